/* Reports the four events of the Pact libraries, as a library that wraps this one would. `make demo` runs it. */
#include <pact_telemetry.h>
#include <stdio.h>

static void report(PactTelemetry *client, const char *event, const char *category, const char *action, int64_t value,
                   const char *plugin_name, const char *plugin_version)
{
    int32_t status = pact_telemetry_track(client, event, category, action, value, plugin_name, plugin_version);
    if (status != PACT_TELEMETRY_OK) {
        printf("%s: %s\n", event, pact_telemetry_status_name(status));
    }
}

int main(void)
{
    char text[4096];
    PactTelemetry *client =
        pact_telemetry_new("{\"library\": {\"id\": \"pact-c\", \"name\": \"Pact C\", \"version\": \"1.2.3\"},"
                           " \"test_framework\": \"Check\", \"platform_version\": \"C99\"}",
                           text, sizeof text);
    if (client == NULL) {
        fprintf(stderr, "%s\n", text);
        return 1;
    }
    report(client, PACT_TELEMETRY_EVENT_PACT_CONSUMER_TESTS_RAN, PACT_TELEMETRY_CATEGORY_CONSUMER_TEST,
           PACT_TELEMETRY_ACTION_COMPLETED, 4, NULL, NULL);
    report(client, PACT_TELEMETRY_EVENT_PACTS_VERIFIED, PACT_TELEMETRY_CATEGORY_PROVIDER_TEST,
           PACT_TELEMETRY_ACTION_COMPLETED, 3, NULL, NULL);
    report(client, PACT_TELEMETRY_EVENT_PLUGIN_LOADED, PACT_TELEMETRY_CATEGORY_PLUGIN, PACT_TELEMETRY_ACTION_LOADED, 1,
           "protobuf", "0.3.15");
    report(client, PACT_TELEMETRY_EVENT_PACT_MOCK_SERVER_STARTED, PACT_TELEMETRY_CATEGORY_CONSUMER_TEST,
           PACT_TELEMETRY_ACTION_MOCK_SERVER_STARTED, 1, NULL, NULL);

    int32_t status = pact_telemetry_close(client, 5000);
    printf("close: %s\n", pact_telemetry_status_name(status));
    pact_telemetry_stats(client, text, sizeof text);
    printf("stats: %s\n", text);
    pact_telemetry_free(client);
    return 0;
}
