/* NULL for every pointer of every function, one at a time. */
#include "check.h"

int main(void)
{
    char out[4096];
    PactTelemetry *client = client_with("");

    memset(out, CANARY, sizeof out);
    CHECK(pact_telemetry_new(NULL, out, sizeof out) == NULL);
    CHECK(strstr(out, "NULL") != NULL);
    CHECK(pact_telemetry_new(NULL, NULL, 0) == NULL);
    CHECK(pact_telemetry_new(NULL, NULL, 16) == NULL);
    CHECK(pact_telemetry_new("no JSON", NULL, 16) == NULL);
    PactTelemetry *other = pact_telemetry_new("{" LIBRARY "}", NULL, 16);
    CHECK(other != NULL);
    pact_telemetry_free(other);

    CHECK_STATUS(pact_telemetry_track(NULL, "e", "c", "a", 1, "n", "v"), PACT_TELEMETRY_ERROR_NULL);
    CHECK_STATUS(pact_telemetry_track(client, NULL, "c", "a", 1, "n", "v"), PACT_TELEMETRY_ERROR_NULL);
    CHECK_STATUS(pact_telemetry_track(client, "e", NULL, "a", 1, "n", "v"), PACT_TELEMETRY_ERROR_NULL);
    CHECK_STATUS(pact_telemetry_track(client, "e", "c", NULL, 1, "n", "v"), PACT_TELEMETRY_ERROR_NULL);
    CHECK_STATUS(pact_telemetry_track(client, "e", "c", "a", 1, NULL, "v"), PACT_TELEMETRY_OK);
    CHECK_STATUS(pact_telemetry_track(client, "e", "c", "a", 1, "n", NULL), PACT_TELEMETRY_OK);
    CHECK_COUNT(count_of(client, "accepted"), 2);

    CHECK_STATUS(pact_telemetry_preview(NULL, "e", "c", "a", 1, "n", "v", out, sizeof out), PACT_TELEMETRY_ERROR_NULL);
    CHECK_STATUS(pact_telemetry_preview(client, NULL, "c", "a", 1, "n", "v", out, sizeof out),
                 PACT_TELEMETRY_ERROR_NULL);
    CHECK_STATUS(pact_telemetry_preview(client, "e", NULL, "a", 1, "n", "v", out, sizeof out),
                 PACT_TELEMETRY_ERROR_NULL);
    CHECK_STATUS(pact_telemetry_preview(client, "e", "c", NULL, 1, "n", "v", out, sizeof out),
                 PACT_TELEMETRY_ERROR_NULL);
    CHECK(pact_telemetry_preview(client, "e", "c", "a", 1, NULL, "v", out, sizeof out) > 0);
    CHECK(pact_telemetry_preview(client, "e", "c", "a", 1, "n", NULL, out, sizeof out) > 0);
    CHECK_STATUS(pact_telemetry_preview(client, "e", "c", "a", 1, "n", "v", NULL, 1), PACT_TELEMETRY_ERROR_NULL);
    CHECK(pact_telemetry_preview(client, "e", "c", "a", 1, "n", "v", NULL, 0) > 0);

    CHECK_STATUS(pact_telemetry_explain(NULL, out, sizeof out), PACT_TELEMETRY_ERROR_NULL);
    CHECK_STATUS(pact_telemetry_explain(client, NULL, 1), PACT_TELEMETRY_ERROR_NULL);
    CHECK(pact_telemetry_explain(client, NULL, 0) > 0);
    CHECK_STATUS(pact_telemetry_stats(NULL, out, sizeof out), PACT_TELEMETRY_ERROR_NULL);
    CHECK_STATUS(pact_telemetry_stats(client, NULL, 1), PACT_TELEMETRY_ERROR_NULL);
    CHECK(pact_telemetry_stats(client, NULL, 0) > 0);

    CHECK_STATUS(pact_telemetry_set_enabled(NULL, 1), PACT_TELEMETRY_ERROR_NULL);
    CHECK_STATUS(pact_telemetry_is_enabled(NULL), PACT_TELEMETRY_ERROR_NULL);
    CHECK_STATUS(pact_telemetry_persist(NULL, 0), PACT_TELEMETRY_ERROR_NULL);
    CHECK_STATUS(pact_telemetry_flush(NULL, 0), PACT_TELEMETRY_ERROR_NULL);
    CHECK_STATUS(pact_telemetry_flush(NULL, 60000), PACT_TELEMETRY_ERROR_NULL);
    CHECK_STATUS(pact_telemetry_close(NULL, 0), PACT_TELEMETRY_ERROR_NULL);
    pact_telemetry_free(NULL);

    /* The client still works after that. */
    CHECK_STATUS(pact_telemetry_close(client, 10000), PACT_TELEMETRY_OK);
    CHECK_COUNT(count_of(client, "delivered"), 2);
    pact_telemetry_free(client);
    return 0;
}
