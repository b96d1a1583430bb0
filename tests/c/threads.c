/* Eight threads track while others flush and read the counters, and one closes. */
#include "check.h"
#include <pthread.h>
#include <sched.h>

enum { TRACKERS = 8, FLUSHERS = 2, READERS = 2, ENOUGH = 2000 };

static PactTelemetry *client;
static int is_over = 0;

static int over(void)
{
    return __atomic_load_n(&is_over, __ATOMIC_ACQUIRE);
}

/* Tracks until the client is closed; returns how many were accepted. */
static void *tracker(void *result)
{
    int64_t accepted = 0;
    for (;;) {
        int32_t status = track(client, "Pacts verified");
        if (status == PACT_TELEMETRY_OK) {
            accepted++;
        } else if (status == PACT_TELEMETRY_QUEUE_FULL) {
            sched_yield();
        } else {
            CHECK_STATUS(status, PACT_TELEMETRY_CLOSED);
            break;
        }
    }
    *(int64_t *)result = accepted;
    return NULL;
}

/* No server fails here, so no loss may be reported. */
static void *flusher(void *timeout)
{
    while (!over()) {
        int32_t status = pact_telemetry_flush(client, *(uint32_t *)timeout);
        if (status != PACT_TELEMETRY_ERROR_TIMEOUT) {
            CHECK_STATUS(status, PACT_TELEMETRY_OK);
        }
    }
    return NULL;
}

static void *reader(void *unused)
{
    int64_t delivered = 0;
    (void)unused;
    while (!over()) {
        char stats[2048];
        read_stats(client, stats, sizeof stats);
        check_counters(stats);
        CHECK(number_of(stats, "delivered") >= delivered);
        delivered = number_of(stats, "delivered");
        CHECK(pact_telemetry_explain(client, stats, sizeof stats) > 0);
        CHECK(pact_telemetry_is_enabled(client) >= 0);
    }
    return NULL;
}

static void *closer(void *unused)
{
    (void)unused;
    while (count_of(client, "delivered") < ENOUGH) {
        sched_yield();
    }
    int32_t status = pact_telemetry_close(client, 1);
    if (status != PACT_TELEMETRY_ERROR_TIMEOUT) {
        CHECK_STATUS(status, PACT_TELEMETRY_OK);
    }
    return NULL;
}

int main(void)
{
    pthread_t trackers[TRACKERS], flushers[FLUSHERS], readers[READERS], close_thread;
    int64_t accepted[TRACKERS], sum = 0;
    uint32_t timeouts[FLUSHERS] = {1, 10000};
    char stats[2048];

    client = client_with("\"queue_capacity\": 1000");
    for (int i = 0; i < TRACKERS; i++) {
        CHECK(pthread_create(&trackers[i], NULL, tracker, &accepted[i]) == 0);
    }
    for (int i = 0; i < FLUSHERS; i++) {
        CHECK(pthread_create(&flushers[i], NULL, flusher, &timeouts[i]) == 0);
    }
    for (int i = 0; i < READERS; i++) {
        CHECK(pthread_create(&readers[i], NULL, reader, NULL) == 0);
    }
    CHECK(pthread_create(&close_thread, NULL, closer, NULL) == 0);

    pthread_join(close_thread, NULL);
    for (int i = 0; i < TRACKERS; i++) {
        pthread_join(trackers[i], NULL);
        sum += accepted[i];
    }
    CHECK_STATUS(pact_telemetry_close(client, 30000), PACT_TELEMETRY_OK);
    __atomic_store_n(&is_over, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < FLUSHERS; i++) {
        pthread_join(flushers[i], NULL);
    }
    for (int i = 0; i < READERS; i++) {
        pthread_join(readers[i], NULL);
    }

    read_stats(client, stats, sizeof stats);
    CHECK_COUNT(number_of(stats, "accepted"), sum);
    CHECK_COUNT(number_of(stats, "delivered"), sum);
    CHECK_COUNT(number_of(stats, "queued"), 0);
    CHECK_COUNT(dropped_in(stats), 0);
    CHECK_COUNT(number_of(stats, "closed"), TRACKERS);
    pact_telemetry_free(client);
    printf("delivered %lld\n", (long long)sum);
    return 0;
}
