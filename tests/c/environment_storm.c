/* One thread keeps changing the environment, as some host programs do, while other threads track. */
#include "check.h"
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { THREADS = 3, SECONDS = 2 };

static PactTelemetry *client;
static int is_over;

static void *tracks(void *unused)
{
    (void)unused;
    while (!__atomic_load_n(&is_over, __ATOMIC_ACQUIRE)) {
        int32_t status = track(client, "storm");
        CHECK(status == PACT_TELEMETRY_OK || status == PACT_TELEMETRY_QUEUE_FULL);
        CHECK(pact_telemetry_is_enabled(client) == 1);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    client = client_with("");
    CHECK_STATUS(track(client, "calm"), PACT_TELEMETRY_OK);
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, tracks, NULL) == 0);
    }
    char name[40];
    time_t end = time(NULL) + SECONDS;
    long changes = 0;
    while (time(NULL) < end) {
        /* New names make the block grow and move; taking them out again moves the entries. */
        for (int i = 0; i < 200; i++, changes++) {
            snprintf(name, sizeof name, "P_STORM_%ld_%d", changes % 1000, i);
            CHECK(setenv(name, "1", 1) == 0);
        }
        for (int i = 0; i < 200; i++) {
            snprintf(name, sizeof name, "P_STORM_%ld_%d", (changes - 200 + i) % 1000, i);
            CHECK(unsetenv(name) == 0);
        }
    }
    __atomic_store_n(&is_over, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK(pact_telemetry_flush(client, 20000) != PACT_TELEMETRY_ERROR_TIMEOUT);
    CHECK(setenv("DO_NOT_TRACK", "1", 1) == 0);
    CHECK_STATUS(track(client, "no"), PACT_TELEMETRY_DISABLED);
    CHECK(unsetenv("DO_NOT_TRACK") == 0);
    CHECK_STATUS(track(client, "yes"), PACT_TELEMETRY_OK);
    pact_telemetry_close(client, 20000);
    check_counters_of(client);
    printf("%ld changes\n", changes);
    pact_telemetry_free(client);
    return 0;
}
