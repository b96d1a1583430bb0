/* Calls flush again and again while events are being delivered. For a build that checks its arithmetic. */
#include "check.h"
#include <pthread.h>
#include <sched.h>

enum { ENOUGH = 4000 };

static PactTelemetry *client;
static int is_over = 0;

static void *tracker(void *unused)
{
    (void)unused;
    while (!__atomic_load_n(&is_over, __ATOMIC_ACQUIRE)) {
        int32_t status = track(client, "storm");
        if (status != PACT_TELEMETRY_QUEUE_FULL) {
            CHECK_STATUS(status, PACT_TELEMETRY_OK);
        }
        sched_yield();
    }
    return NULL;
}

int main(void)
{
    pthread_t thread;
    client = client_with("\"queue_capacity\": 200");
    CHECK(pthread_create(&thread, NULL, tracker, NULL) == 0);
    do {
        for (int i = 0; i < 1000; i++) {
            int32_t status = pact_telemetry_flush(client, 0);
            if (status != PACT_TELEMETRY_ERROR_TIMEOUT) {
                CHECK_STATUS(status, PACT_TELEMETRY_OK);
            }
        }
    } while (count_of(client, "delivered") < ENOUGH);
    __atomic_store_n(&is_over, 1, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
    CHECK_STATUS(pact_telemetry_close(client, 20000), PACT_TELEMETRY_OK);
    check_counters_of(client);
    printf("delivered %lld\n", (long long)count_of(client, "delivered"));
    pact_telemetry_free(client);
    return 0;
}
