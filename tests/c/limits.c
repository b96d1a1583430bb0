/* A system without resources: every function returns, and what was accepted is sent when there are resources again.
 * Arguments: `processes` or `files` and how many are allowed, or `memory` and how much more than is used; `all` checks
 * that all events arrive in the end, `answers` checks only that calls return and the counters balance. */
#include "check.h"
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static void sleep_ms(int milliseconds)
{
    struct timespec time;
    time.tv_sec = milliseconds / 1000;
    time.tv_nsec = (milliseconds % 1000) * 1000000L;
    nanosleep(&time, NULL);
}

static rlim_t address_space(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file != NULL);
    CHECK(fscanf(file, "%lu", &pages) == 1);
    fclose(file);
    return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static void ask_everything(PactTelemetry *client)
{
    char text[8192];
    CHECK(pact_telemetry_is_enabled(client) >= 0);
    CHECK(pact_telemetry_explain(client, text, sizeof text) != 0);
    CHECK(pact_telemetry_stats(client, text, sizeof text) != 0);
    CHECK(pact_telemetry_preview(client, "e", "ProviderTest", "Completed", 1, NULL, NULL, text, sizeof text) != 0);
    int32_t status = pact_telemetry_flush(client, 300);
    CHECK(status == PACT_TELEMETRY_OK || status == PACT_TELEMETRY_KEPT || status == PACT_TELEMETRY_LOST
          || status == PACT_TELEMETRY_ERROR_TIMEOUT);
    int32_t length = pact_telemetry_stats(client, text, sizeof text);
    CHECK(length > 0 || length == PACT_TELEMETRY_ERROR_INTERNAL); /* an answer takes memory, too */
    if (length > 0) {
        check_counters(text);
    }
}

/* Every status that means "not taken" because a resource is missing. */
static int is_refusal(int32_t status)
{
    return status == PACT_TELEMETRY_DISABLED || status == PACT_TELEMETRY_QUEUE_FULL;
}

int main(int count, char **arguments)
{
    CHECK(count == 4);
    int is_memory = strcmp(arguments[1], "memory") == 0, is_files = strcmp(arguments[1], "files") == 0;
    int is_all = strcmp(arguments[3], "all") == 0;
    rlim_t more = (rlim_t)strtoul(arguments[2], NULL, 10);
    if (geteuid() == 0 && !is_memory && !is_files) {
        CHECK(setgid(65534) == 0 && setuid(65534) == 0); /* the limit does not hold for root */
    }
    int resource = is_memory ? RLIMIT_AS : is_files ? RLIMIT_NOFILE : RLIMIT_NPROC;
    PactTelemetry *client = client_with("");
    struct rlimit before, tight;
    CHECK(getrlimit((__rlimit_resource_t)resource, &before) == 0);
    tight = before;
    tight.rlim_cur = is_memory ? address_space() + more : more;
    CHECK(setrlimit((__rlimit_resource_t)resource, &tight) == 0);

    int32_t accepted = 0;
    for (int times = 0; times < 3; times++) {
        int32_t status = track(client, "in need");
        CHECK(status == PACT_TELEMETRY_OK || (!is_all && is_refusal(status)));
        accepted += status == PACT_TELEMETRY_OK;
        ask_everything(client);
    }
    CHECK(setrlimit((__rlimit_resource_t)resource, &before) == 0);
    CHECK_COUNT(count_of(client, "accepted"), accepted);
    sleep_ms(1100); /* the library tries to start a thread once a second */
    int32_t after = track(client, "after the need");
    CHECK(after == PACT_TELEMETRY_OK || (!is_all && is_refusal(after)));
    accepted += after == PACT_TELEMETRY_OK;
    pact_telemetry_flush(client, 5000);
    /* Nothing is sent to a server that could not be reached for up to 10 s, and for up to 20 s after the second time.
     * What waits on disk for that long is not sent at the exit; what is queued may be. */
    char stats[2048];
    for (int times = 0; times < 450; times++) {
        read_stats(client, stats, sizeof stats);
        check_counters(stats);
        int is_settled = number_of(stats, "delivered") + dropped_in(stats) == accepted;
        if (is_all ? is_settled : number_of(stats, "queued") == 0) {
            break;
        }
        sleep_ms(100);
    }
    printf("%s\n", stats);
    CHECK_COUNT(number_of(stats, "accepted"), accepted);
    if (is_all) {
        CHECK_COUNT(number_of(stats, "delivered"), accepted);
    }
    printf("delivered %d\n", (int)number_of(stats, "delivered"));
    return 0;
}
