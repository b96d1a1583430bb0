/* A process in which nothing is reported, for the reason in the first argument: every call answers, and says why. */
#include "check.h"

int main(int count, char **arguments)
{
    char text[8192];
    CHECK(count == 2);
    PactTelemetry *client =
        pact_telemetry_new("{\"library\": {\"id\": \"a\", \"name\": \"A\", \"version\": \"1\"}}", text, sizeof text);
    CHECK(client != NULL);
    CHECK_STATUS(track(client, "unsupported"), PACT_TELEMETRY_DISABLED);
    CHECK(pact_telemetry_is_enabled(client) == 0);
    CHECK(pact_telemetry_explain(client, text, sizeof text) > 0);
    CHECK(strstr(text, arguments[1]) != NULL);
    CHECK_STATUS(pact_telemetry_close(client, 1000), PACT_TELEMETRY_OK);
    pact_telemetry_free(client);
    return 0;
}
