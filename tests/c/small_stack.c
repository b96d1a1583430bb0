/* Every function on a thread whose stack is 64 KiB, or as small as the system allows. */
#include "check.h"
#include <limits.h>
#include <pthread.h>

static void *call_everything(void *unused)
{
    char text[8192];
    PactTelemetry *client = client_with("\"queue_capacity\": 100");
    CHECK(pact_telemetry_version() != NULL && pact_telemetry_is_enabled(client) == 1);
    CHECK_STATUS(track(client, "in a small stack"), PACT_TELEMETRY_OK);
    CHECK(pact_telemetry_explain(client, text, sizeof text) > 0);
    CHECK(pact_telemetry_preview(client, "e", "ProviderTest", "Completed", 1, "p", "1", text, sizeof text) > 0);
    CHECK(pact_telemetry_stats(client, text, sizeof text) > 0);
    CHECK(pact_telemetry_new("{\"library\": 7}", text, sizeof text) == NULL);
    CHECK_STATUS(pact_telemetry_flush(client, 20000), PACT_TELEMETRY_OK);
    CHECK_STATUS(pact_telemetry_set_enabled(client, 0), PACT_TELEMETRY_OK);
    CHECK_STATUS(pact_telemetry_set_enabled(client, 1), PACT_TELEMETRY_OK);
    CHECK_STATUS(track(client, "in a small stack"), PACT_TELEMETRY_OK);
    CHECK_STATUS(pact_telemetry_close(client, 20000), PACT_TELEMETRY_OK);
    CHECK_COUNT(count_of(client, "delivered"), 2);
    pact_telemetry_free(client);
    return unused;
}

int main(void)
{
    pthread_attr_t small;
    pthread_t thread;
    size_t size = 64 * 1024 < PTHREAD_STACK_MIN ? PTHREAD_STACK_MIN : 64 * 1024;
    CHECK(pthread_attr_init(&small) == 0);
    CHECK(pthread_attr_setstacksize(&small, size) == 0);
    CHECK(pthread_create(&thread, &small, call_everything, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    return 0;
}
