/* Calls every function, for a tracer. Argument: `skip` calls none; `all` calls all; `quiet` calls all but those that
 * have to read something (explain reads the saved choice, preview the hostname). `host` is as `all`, but only the
 * config says "off". `on` is as `all`, without an opt-out. */
#include "check.h"

int main(int count, char **arguments)
{
    char out[8192];
    CHECK(count == 2);
    int is_quiet = strcmp(arguments[1], "quiet") == 0;
    int is_on = strcmp(arguments[1], "on") == 0;
    int is_host = strcmp(arguments[1], "host") == 0;
    if (strcmp(arguments[1], "skip") == 0) {
        return 0;
    }
    CHECK(is_quiet || is_on || is_host || strcmp(arguments[1], "all") == 0);
    CHECK(pact_telemetry_abi_version() == 1);
    CHECK(pact_telemetry_version()[0] != '\0');
    CHECK(pact_telemetry_status_name(0)[0] != '\0');
    PactTelemetry *client = client_with(is_host ? "\"enabled\": false" : "");
    for (int i = 0; i < 3; i++) {
        CHECK_STATUS(track(client, "e"), is_on ? PACT_TELEMETRY_OK : PACT_TELEMETRY_DISABLED);
    }
    CHECK_STATUS(pact_telemetry_is_enabled(client), is_on);
    if (!is_quiet) {
        CHECK(pact_telemetry_explain(client, out, sizeof out) > 0);
        CHECK((strstr(out, "\"state\":\"disabled\"") == NULL) == is_on);
        CHECK(pact_telemetry_preview(client, "e", "c", "a", 1, NULL, NULL, out, sizeof out) > 0);
    }
    CHECK_STATUS(pact_telemetry_flush(client, 5000), PACT_TELEMETRY_OK);
    CHECK_COUNT(count_of(client, "disabled"), is_on ? 0 : 3);
    CHECK_STATUS(pact_telemetry_set_enabled(client, !is_host), PACT_TELEMETRY_OK);
    CHECK_STATUS(track(client, "e"), is_on ? PACT_TELEMETRY_OK : PACT_TELEMETRY_DISABLED);
    CHECK_STATUS(pact_telemetry_set_enabled(client, 0), PACT_TELEMETRY_OK);
    CHECK_STATUS(track(client, "e"), PACT_TELEMETRY_DISABLED);
    int32_t closed = pact_telemetry_close(client, 5000);
    if (!is_on) {
        CHECK_STATUS(closed, PACT_TELEMETRY_OK);
        CHECK_COUNT(count_of(client, "accepted"), 0);
    }
    CHECK_STATUS(track(client, "e"), PACT_TELEMETRY_CLOSED);
    pact_telemetry_free(client);
    return 0;
}
