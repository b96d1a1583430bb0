/* Tracks many events between two lines, for a trace to count what happens between them. Argument: how many. */
#include "check.h"
#include <unistd.h>

static void say(const char *line)
{
    CHECK(write(STDOUT_FILENO, line, strlen(line)) == (ssize_t)strlen(line));
}

int main(int count, char **arguments)
{
    CHECK(count == 2);
    PactTelemetry *client = client_with("");
    CHECK_STATUS(track(client, "first"), PACT_TELEMETRY_OK);
    CHECK_STATUS(pact_telemetry_flush(client, 20000), PACT_TELEMETRY_OK);
    int events = atoi(arguments[1]);
    say("begin\n");
    for (int i = 0; i < events; i++) {
        CHECK_STATUS(track(client, "one of many"), PACT_TELEMETRY_OK);
    }
    say("end\n");
    return 0;
}
