/* One event for a server that answers 2xx and then stalls in the body. The head decides. */
#include "check.h"

int main(void)
{
    PactTelemetry *client = client_with("\"exit_timeout_ms\": 0");
    CHECK_STATUS(track(client, "decided by the head"), PACT_TELEMETRY_OK);
    CHECK_STATUS(pact_telemetry_flush(client, 10000), PACT_TELEMETRY_OK);
    CHECK_COUNT(count_of(client, "delivered"), 1);
    pact_telemetry_free(client);
    return 0;
}
