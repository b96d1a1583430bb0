/* Tracks 2,000 events as fast as possible. Each carries its number. */
#include "check.h"

int main(void)
{
    PactTelemetry *client = client_with("");
    for (int i = 0; i < 2000; i++) {
        CHECK_STATUS(pact_telemetry_track(client, "burst", "ProviderTest", "Completed", i, NULL, NULL),
                     PACT_TELEMETRY_OK);
    }
    CHECK_STATUS(pact_telemetry_flush(client, 50000), PACT_TELEMETRY_OK);
    CHECK_COUNT(count_of(client, "delivered"), 2000);
    pact_telemetry_free(client);
    return 0;
}
