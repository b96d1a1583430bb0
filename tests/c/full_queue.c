/* A flush right after threads found the queue full: it must not wait for an event that was refused. */
#include "check.h"
#include <pthread.h>
#include <sched.h>

enum { ROUNDS = 500, THREADS = 2, BEFORE_STOP = 100 };

static PactTelemetry *client;
static pthread_barrier_t together;
static int calls = 0, is_over = 0;

static void *overflow(void *unused)
{
    (void)unused;
    for (int round = 0; round < ROUNDS; round++) {
        pthread_barrier_wait(&together);
        while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED)) {
            int32_t status = track(client, "one too many");
            if (status != PACT_TELEMETRY_QUEUE_FULL) {
                CHECK_STATUS(status, PACT_TELEMETRY_OK);
            }
            __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
        }
        pthread_barrier_wait(&together);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    client = client_with("\"queue_capacity\": 1");
    CHECK(pthread_barrier_init(&together, NULL, THREADS + 1) == 0);
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, overflow, NULL) == 0);
    }
    for (int round = 0; round < ROUNDS; round++) {
        __atomic_store_n(&calls, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&is_over, 0, __ATOMIC_RELAXED);
        pthread_barrier_wait(&together);
        while (__atomic_load_n(&calls, __ATOMIC_RELAXED) < BEFORE_STOP) {
            sched_yield();
        }
        __atomic_store_n(&is_over, 1, __ATOMIC_RELAXED);
        CHECK_STATUS(pact_telemetry_flush(client, 5000), PACT_TELEMETRY_OK);
        pthread_barrier_wait(&together);
        CHECK_STATUS(pact_telemetry_flush(client, 5000), PACT_TELEMETRY_OK);
        CHECK_COUNT(count_of(client, "queued"), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK_STATUS(pact_telemetry_close(client, 10000), PACT_TELEMETRY_OK);
    check_counters_of(client);
    printf("delivered %lld\n", (long long)count_of(client, "delivered"));
    pact_telemetry_free(client);
    return 0;
}
