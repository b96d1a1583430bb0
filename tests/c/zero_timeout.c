/* Flush and close with a timeout of 0, with a slow server. */
#include "check.h"

int main(void)
{
    PactTelemetry *client = client_with("");
    CHECK_STATUS(pact_telemetry_flush(client, 0), PACT_TELEMETRY_OK);
    CHECK_STATUS(track(client, "no time"), PACT_TELEMETRY_OK);
    CHECK_STATUS(pact_telemetry_flush(client, 0), PACT_TELEMETRY_ERROR_TIMEOUT);
    CHECK_STATUS(pact_telemetry_flush(client, 10000), PACT_TELEMETRY_OK);
    CHECK_STATUS(pact_telemetry_flush(client, 0), PACT_TELEMETRY_OK);
    CHECK_STATUS(track(client, "no time either"), PACT_TELEMETRY_OK);
    CHECK_STATUS(pact_telemetry_close(client, 0), PACT_TELEMETRY_ERROR_TIMEOUT);
    /* The library goes on with the event: closing again waits for what is left. */
    CHECK_STATUS(pact_telemetry_close(client, 10000), PACT_TELEMETRY_OK);
    CHECK_COUNT(count_of(client, "delivered"), 2);
    pact_telemetry_free(client);
    return 0;
}
