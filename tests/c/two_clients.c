/* Two clients with their own identities in one process. Arguments: the endpoint of each; they may be the same. */
#include "check.h"

static PactTelemetry *client_of(const char *name, const char *endpoint)
{
    char config[1024], error[512];
    snprintf(config, sizeof config,
             "{\"library\": {\"id\": \"id-%s\", \"name\": \"Name %s\", \"version\": \"%s.0\"}, \"endpoint\": \"%s\", "
             "\"measurement_id\": \"G-%s\", \"api_secret\": \"secret-%s\", \"test_framework\": \"Framework %s\"}",
             name, name, name, endpoint, name, name, name);
    PactTelemetry *client = pact_telemetry_new(config, error, sizeof error);
    if (client == NULL) {
        printf("%s\n", error);
        check_failed(__FILE__, __LINE__, "client_of");
    }
    return client;
}

int main(int count, char **arguments)
{
    CHECK(count == 3);
    PactTelemetry *first = client_of("1", arguments[1]);
    PactTelemetry *second = client_of("2", arguments[2]);
    for (int i = 0; i < 30; i++) { /* more than one request each, in turn */
        CHECK_STATUS(track(first, "of the first"), PACT_TELEMETRY_OK);
        CHECK_STATUS(track(second, "of the second"), PACT_TELEMETRY_OK);
    }
    CHECK_STATUS(track(second, "of the second"), PACT_TELEMETRY_OK);
    CHECK_STATUS(pact_telemetry_close(first, 10000), PACT_TELEMETRY_OK);
    CHECK_STATUS(pact_telemetry_flush(second, 10000), PACT_TELEMETRY_OK);
    CHECK_COUNT(count_of(first, "delivered"), 30);
    CHECK_COUNT(count_of(second, "delivered"), 31);
    /* Closing one client does not affect the other. */
    CHECK_STATUS(track(first, "of the first"), PACT_TELEMETRY_CLOSED);
    CHECK_STATUS(track(second, "of the second"), PACT_TELEMETRY_OK);
    pact_telemetry_free(first);
    CHECK_STATUS(pact_telemetry_close(second, 10000), PACT_TELEMETRY_OK);
    CHECK_COUNT(count_of(second, "delivered"), 32);
    pact_telemetry_free(second);
    return 0;
}
