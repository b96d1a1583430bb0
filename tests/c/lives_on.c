/* Tracks numbered events, lives on for a while, prints the monotonic time in nanoseconds, and returns from main.
 * Arguments: the first number; how many; for how many milliseconds it lives on; the time limit in milliseconds for
 * closing the client at the end, or nothing, which leaves that to the exit of the process. */
#include "check.h"
#include <time.h>

int main(int count, char **arguments)
{
    CHECK(count == 4 || count == 5);
    long long first = atoll(arguments[1]), events = atoll(arguments[2]);
    long milliseconds = atol(arguments[3]);
    struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000}, now;
    PactTelemetry *client = client_with("");
    for (long long number = first; number < first + events; number++) {
        CHECK_STATUS(pact_telemetry_track(client, "numbered", "ProviderTest", "Completed", number, NULL, NULL),
                     PACT_TELEMETRY_OK);
    }
    nanosleep(&pause, NULL);
    if (count == 5) {
        pact_telemetry_close(client, (uint32_t)atol(arguments[4]));
    }
    check_counters_of(client);
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    printf("%lld\n", (long long)now.tv_sec * 1000000000LL + now.tv_nsec);
    fflush(stdout);
    return 0;
}
