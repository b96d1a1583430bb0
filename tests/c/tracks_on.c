/* Tracks numbered events without end, or a given number of them, and prints the number of each one that was accepted.
 * Arguments: the first number; how many, or 0 for no limit; the microseconds between two. At the end it flushes and
 * prints the counters. If the library that makes calls fail is preloaded, they fail until the last event is accepted,
 * and the number of calls of fsync is printed as well. */
#include "check.h"
#include "faults.h"
#include <time.h>
#include <unistd.h>

static PactTelemetry *client = NULL;
static long long refused = 0;
static int is_faulty = 0;

/* If calls fail, there may be no memory for the counters. */
static void check_counters_so_far(void)
{
    char stats[2048];
    int32_t length = pact_telemetry_stats(client, stats, sizeof stats);
    if (!is_faulty || length != PACT_TELEMETRY_ERROR_INTERNAL) {
        CHECK(length > 0 && (uint32_t)length < sizeof stats);
        check_counters(stats);
    }
}

/* Registered before the library's own handler, and so called after it: nothing is sent any more. */
static void print_counters(void)
{
    char stats[2048];
    read_stats(client, stats, sizeof stats);
    check_counters(stats);
    CHECK_COUNT(number_of(stats, "queue_full"), refused);
    if (is_faulty) {
        printf("fsync %llu\n", (unsigned long long)faults_synced());
    }
    printf("%s\n", stats);
}

int main(int count, char **arguments)
{
    char line[32];
    CHECK(count == 4);
    long long first = atoll(arguments[1]), events = atoll(arguments[2]);
    struct timespec pause = {0, atol(arguments[3]) * 1000L};
    client = client_with("\"exit_timeout_ms\": 100");
    CHECK(atexit(print_counters) == 0);
    is_faulty = switch_faults(1);
    for (long long number = first; events == 0 || number < first + events; number++) {
        int32_t status = pact_telemetry_track(client, "numbered", "ProviderTest", "Completed", number, NULL, NULL);
        if (status == PACT_TELEMETRY_OK) {
            /* One write, so that a kill leaves whole lines. */
            int length = snprintf(line, sizeof line, "%lld\n", number);
            CHECK(write(STDOUT_FILENO, line, (size_t)length) == length);
        } else {
            CHECK_STATUS(status, PACT_TELEMETRY_QUEUE_FULL);
            refused++;
        }
        if (pause.tv_nsec > 0) {
            nanosleep(&pause, NULL);
        }
        if (number % 16 == 0) {
            check_counters_so_far();
        }
    }
    pact_telemetry_flush(client, 300);
    check_counters_so_far();
    switch_faults(0);
    pact_telemetry_close(client, 5000);
    return 0;
}
