/* Turns the client off while another thread is tracking, again and again. Whatever status that thread gets, its event
 * may not leave after the client was turned off. The server answers late, so that an earlier request is cancelled and
 * not delivered. */
#include "check.h"
#include <pthread.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

/* The test runs until both statuses came that often, which needs both threads at once, but no longer than this time. */
enum { ENOUGH = 150, SECONDS = 4 };

static PactTelemetry *client;
static char event[501];
static int turn = 0, begun = 0, done = 0, is_over = 0;

/* Both threads have to run at the same time, so this spins for a while before it lets other threads run. */
static void await(const int *counter, int value)
{
    for (int spins = 0; __atomic_load_n(counter, __ATOMIC_ACQUIRE) != value; spins++) {
        if (spins > 20000) {
            sched_yield();
        }
    }
}

static void *tracker(void *unused)
{
    (void)unused;
    for (int round = 1;; round++) {
        await(&turn, round);
        if (__atomic_load_n(&is_over, __ATOMIC_ACQUIRE)) {
            return NULL;
        }
        __atomic_store_n(&begun, round, __ATOMIC_RELEASE);
        int32_t status = track(client, event);
        if (status != PACT_TELEMETRY_DISABLED) {
            CHECK_STATUS(status, PACT_TELEMETRY_OK);
        }
        __atomic_store_n(&done, round, __ATOMIC_RELEASE);
    }
}

int main(void)
{
    pthread_t thread;
    volatile unsigned wait = 0;
    for (int at = 0; at < 500; at += 2) { /* a text that takes long to check */
        memcpy(event + at, "\xc3\xbc", 2);
    }
    client = client_with("");
    CHECK(pthread_create(&thread, NULL, tracker, NULL) == 0);
    int round = 1;
    time_t end = time(NULL) + SECONDS;
    for (; time(NULL) < end; round++) {
        if (count_of(client, "opted_out") >= ENOUGH && count_of(client, "disabled") >= ENOUGH) {
            break;
        }
        __atomic_store_n(&turn, round, __ATOMIC_RELEASE);
        await(&begun, round);
        for (unsigned i = 0; i < (unsigned)(round * 7919) % 1200; i++) { /* at another moment in each round */
            wait += i;
        }
        CHECK_STATUS(pact_telemetry_set_enabled(client, 0), PACT_TELEMETRY_OK);
        /* An earlier event is allowed, because this thread may have been paused. */
        int64_t before = count_of(client, "delivered");
        await(&done, round);
        int32_t status = pact_telemetry_flush(client, 10000);
        CHECK(status == PACT_TELEMETRY_OK || status == PACT_TELEMETRY_LOST);
        CHECK_COUNT(count_of(client, "delivered"), before);
        CHECK_STATUS(pact_telemetry_set_enabled(client, 1), PACT_TELEMETRY_OK);
        usleep(200); /* until the worker collects events again, which nothing shows */
    }
    __atomic_store_n(&is_over, 1, __ATOMIC_RELEASE);
    __atomic_store_n(&turn, round, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
    check_counters_of(client);
    printf("%d rounds, %d opted out, %d disabled\n", round, (int)count_of(client, "opted_out"),
           (int)count_of(client, "disabled"));
    pact_telemetry_free(client);
    return 0;
}
