/* Forks again and again while other threads are inside the library, so that a lock that is held at the fork would stay
 * locked in the child. */
#include "check.h"
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 3, CHILDREN = 25 };

static PactTelemetry *client;
static int is_over = 0;

static void *busy(void *unused)
{
    (void)unused;
    while (!__atomic_load_n(&is_over, __ATOMIC_ACQUIRE)) {
        int32_t status = track(client, "parent");
        if (status != PACT_TELEMETRY_QUEUE_FULL) {
            CHECK_STATUS(status, PACT_TELEMETRY_OK);
        }
        status = pact_telemetry_flush(client, 1);
        CHECK(status == PACT_TELEMETRY_OK || status == PACT_TELEMETRY_ERROR_TIMEOUT);
        check_counters_of(client);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    client = client_with("");
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, busy, NULL) == 0);
    }
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            CHECK_STATUS(track(client, "child"), PACT_TELEMETRY_OK);
            CHECK_STATUS(pact_telemetry_close(client, 20000), PACT_TELEMETRY_OK);
            CHECK_COUNT(count_of(client, "accepted"), 1);
            CHECK_COUNT(count_of(client, "delivered"), 1);
            _exit(0);
        }
        int status = -1;
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    __atomic_store_n(&is_over, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK_STATUS(pact_telemetry_close(client, 20000), PACT_TELEMETRY_OK);
    check_counters_of(client);
    printf("delivered %lld\n", (long long)count_of(client, "delivered"));
    pact_telemetry_free(client);
    return 0;
}
