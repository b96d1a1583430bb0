/* Every function of a library that was built to panic inside each of them (feature force-panic). */
#include "check.h"

int main(void)
{
    char out[512];
    PactTelemetry *client = client_with("");
    CHECK_STATUS(track(client, "before"), PACT_TELEMETRY_OK);
    CHECK(setenv("PACT_TELEMETRY_FORCE_PANIC", "1", 1) == 0);

    CHECK(pact_telemetry_abi_version() == 0);
    CHECK(strcmp(pact_telemetry_version(), "") == 0);
    CHECK(strcmp(pact_telemetry_status_name(0), "PACT_TELEMETRY_UNKNOWN") == 0);
    memset(out, CANARY, sizeof out);
    CHECK(pact_telemetry_new("{" LIBRARY "}", out, sizeof out) == NULL);
    CHECK(strlen(out) > 0 && strlen(out) < sizeof out);
    CHECK(strstr(out, "library") != NULL);
    CHECK(track(client, "e") == PACT_TELEMETRY_ERROR_INTERNAL);
    CHECK(pact_telemetry_set_enabled(client, 0) == PACT_TELEMETRY_ERROR_INTERNAL);
    CHECK(pact_telemetry_is_enabled(client) == PACT_TELEMETRY_ERROR_INTERNAL);
    CHECK(pact_telemetry_explain(client, out, sizeof out) == PACT_TELEMETRY_ERROR_INTERNAL);
    CHECK(pact_telemetry_preview(client, "e", "c", "a", 1, NULL, NULL, out, sizeof out)
          == PACT_TELEMETRY_ERROR_INTERNAL);
    CHECK(pact_telemetry_stats(client, out, sizeof out) == PACT_TELEMETRY_ERROR_INTERNAL);
    CHECK(pact_telemetry_persist(client, 1000) == PACT_TELEMETRY_ERROR_INTERNAL);
    CHECK(pact_telemetry_flush(client, 1000) == PACT_TELEMETRY_ERROR_INTERNAL);
    CHECK(pact_telemetry_close(client, 1000) == PACT_TELEMETRY_ERROR_INTERNAL);
    pact_telemetry_free(client);
    pact_telemetry_free(NULL);

    /* It did no lasting harm: the same client goes on working (free panicked before it freed anything). */
    CHECK(unsetenv("PACT_TELEMETRY_FORCE_PANIC") == 0);
    CHECK_STATUS(track(client, "after"), PACT_TELEMETRY_OK);
    CHECK_STATUS(pact_telemetry_close(client, 10000), PACT_TELEMETRY_OK);
    CHECK_COUNT(count_of(client, "delivered"), 2);
    pact_telemetry_free(client);
    return 0;
}
