/* Tracks one event and closes. */
#include "check.h"

int main(void)
{
    PactTelemetry *client = client_with("");
    CHECK_STATUS(track(client, "one event"), PACT_TELEMETRY_OK);
    CHECK_STATUS(pact_telemetry_close(client, 20000), PACT_TELEMETRY_OK);
    CHECK_COUNT(count_of(client, "delivered"), 1);
    pact_telemetry_free(client);
    return 0;
}
