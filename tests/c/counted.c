/* Every refused call is counted: one refusal of each kind, and the counter that it must increase. */
#include "check.h"

int main(void)
{
    PactTelemetry *client = client_with("");
    char too_long[502];
    memset(too_long, 'x', sizeof too_long - 1);
    too_long[sizeof too_long - 1] = '\0';

    CHECK_STATUS(track(client, "\xff"), PACT_TELEMETRY_ERROR_UTF8);
    CHECK_COUNT(count_of(client, "invalid"), 1);
    CHECK_STATUS(track(client, ""), PACT_TELEMETRY_ERROR_EMPTY);
    CHECK_COUNT(count_of(client, "invalid"), 2);
    CHECK_STATUS(track(client, too_long), PACT_TELEMETRY_ERROR_TOO_LONG);
    CHECK_COUNT(count_of(client, "invalid"), 3);
    CHECK_STATUS(track(client, "/home/ann"), PACT_TELEMETRY_ERROR_FORBIDDEN);
    CHECK_COUNT(count_of(client, "invalid"), 4);
    CHECK_STATUS(pact_telemetry_track(client, "e", "c", "a", -1, NULL, NULL), PACT_TELEMETRY_ERROR_RANGE);
    CHECK_COUNT(count_of(client, "invalid"), 5);
    CHECK_STATUS(track(client, NULL), PACT_TELEMETRY_ERROR_NULL);
    CHECK_COUNT(count_of(client, "invalid"), 6);

    CHECK_STATUS(pact_telemetry_set_enabled(client, 0), PACT_TELEMETRY_OK);
    CHECK_STATUS(track(client, "e"), PACT_TELEMETRY_DISABLED);
    CHECK_COUNT(count_of(client, "disabled"), 1);
    CHECK_STATUS(pact_telemetry_set_enabled(client, 1), PACT_TELEMETRY_OK);
    CHECK_STATUS(pact_telemetry_close(client, 0), PACT_TELEMETRY_OK);
    CHECK_STATUS(track(client, "e"), PACT_TELEMETRY_CLOSED);
    CHECK_COUNT(count_of(client, "closed"), 1);
    CHECK_COUNT(count_of(client, "accepted"), 0);
    pact_telemetry_free(client);
    return 0;
}
