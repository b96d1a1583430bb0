/* One client in a parent, its child and its grandchild. Argument: `threads` starts the background threads before the
 * fork, `fresh` leaves the first event in the queue at the fork, `unused` forks before any event. */
#include "check.h"
#include <sys/wait.h>
#include <unistd.h>

static void check_zero(const PactTelemetry *client)
{
    char stats[2048];
    read_stats(client, stats, sizeof stats);
    CHECK_COUNT(number_of(stats, "accepted"), 0);
    CHECK_COUNT(number_of(stats, "delivered"), 0);
    CHECK_COUNT(number_of(stats, "queued"), 0);
    CHECK_COUNT(number_of(stats, "invalid"), 0);
    CHECK_COUNT(dropped_in(stats), 0);
}

static void wait_for(pid_t child)
{
    int status = -1;
    CHECK(child > 0);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(int count, char **arguments)
{
    CHECK(count == 2);
    int is_unused = strcmp(arguments[1], "unused") == 0;
    PactTelemetry *client = client_with("");
    int64_t accepted = 1;
    if (strcmp(arguments[1], "threads") == 0) {
        CHECK_STATUS(track(client, "long before"), PACT_TELEMETRY_OK);
        CHECK_STATUS(pact_telemetry_flush(client, 10000), PACT_TELEMETRY_OK);
        accepted++;
    }
    if (!is_unused) {
        CHECK_STATUS(track(client, ""), PACT_TELEMETRY_ERROR_EMPTY);
        CHECK_STATUS(track(client, "before"), PACT_TELEMETRY_OK);
        accepted++;
    }

    pid_t child = fork();
    if (child == 0) {
        check_zero(client);
        CHECK_STATUS(pact_telemetry_flush(client, 10000), PACT_TELEMETRY_OK); /* nothing of its own waits */
        CHECK_STATUS(pact_telemetry_is_enabled(client), 1);
        CHECK_STATUS(track(client, "child"), PACT_TELEMETRY_OK);
        CHECK_COUNT(count_of(client, "accepted"), 1);
        pid_t grandchild = fork();
        if (grandchild == 0) {
            check_zero(client);
            CHECK_STATUS(track(client, "grandchild"), PACT_TELEMETRY_OK);
            CHECK_STATUS(pact_telemetry_close(client, 10000), PACT_TELEMETRY_OK);
            CHECK_COUNT(count_of(client, "delivered"), 1);
            pact_telemetry_free(client);
            return 0; /* runs the exit handler, which was inherited */
        }
        CHECK_STATUS(pact_telemetry_flush(client, 10000), PACT_TELEMETRY_OK);
        CHECK_COUNT(count_of(client, "delivered"), 1);
        wait_for(grandchild);
        pact_telemetry_free(client);
        _exit(0);
    }
    wait_for(child);

    pid_t idle = fork();
    if (idle == 0) {
        return 0; /* a child that uses nothing ends by itself */
    }
    wait_for(idle);
    CHECK_STATUS(track(client, "after"), PACT_TELEMETRY_OK);
    CHECK_STATUS(pact_telemetry_close(client, 10000), PACT_TELEMETRY_OK);
    CHECK_COUNT(count_of(client, "delivered"), accepted);
    check_counters_of(client);
    pact_telemetry_free(client);
    return 0;
}
