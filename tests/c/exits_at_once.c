/* Tracks one event and returns from main. Argument: more of the config, or nothing. */
#include "check.h"

int main(int count, char **arguments)
{
    PactTelemetry *client = client_with(count > 1 ? arguments[1] : "");
    CHECK_STATUS(track(client, "on the way out"), PACT_TELEMETRY_OK);
    return 0;
}
