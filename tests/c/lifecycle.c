/* What holds after close, after the host program's switch, and when the queue is full. */
#include "check.h"

static void closed_is_closed(void)
{
    char out[8192];
    PactTelemetry *client = client_with("");
    CHECK_STATUS(pact_telemetry_is_enabled(client), 1);
    CHECK_STATUS(track(client, "before"), PACT_TELEMETRY_OK);
    CHECK_STATUS(pact_telemetry_close(client, 10000), PACT_TELEMETRY_OK);

    CHECK_STATUS(track(client, "after"), PACT_TELEMETRY_CLOSED);
    CHECK_STATUS(pact_telemetry_track(client, "", "", "", -1, "\xff", NULL), PACT_TELEMETRY_CLOSED);
    CHECK_STATUS(pact_telemetry_close(client, 10000), PACT_TELEMETRY_OK);
    CHECK_STATUS(pact_telemetry_close(client, 0), PACT_TELEMETRY_OK);
    CHECK_STATUS(pact_telemetry_flush(client, 0), PACT_TELEMETRY_OK);
    CHECK_STATUS(pact_telemetry_flush(client, 10000), PACT_TELEMETRY_OK);
    CHECK_STATUS(pact_telemetry_is_enabled(client), 0);
    CHECK_STATUS(pact_telemetry_set_enabled(client, 0), PACT_TELEMETRY_OK);
    CHECK_STATUS(pact_telemetry_set_enabled(client, 1), PACT_TELEMETRY_OK);
    CHECK_STATUS(pact_telemetry_is_enabled(client), 0);
    CHECK_STATUS(track(client, "after"), PACT_TELEMETRY_CLOSED);
    CHECK(pact_telemetry_explain(client, out, sizeof out) > 0);
    CHECK(strstr(out, "\"state\":\"closed\"") != NULL);
    CHECK(pact_telemetry_preview(client, "e", "c", "a", 1, NULL, NULL, out, sizeof out) > 0);
    CHECK_COUNT(count_of(client, "closed"), 3);
    CHECK_COUNT(count_of(client, "accepted"), 1);
    CHECK_COUNT(count_of(client, "delivered"), 1);
    check_counters_of(client);
    pact_telemetry_free(client);
}

static void off_is_off_until_it_is_on(void)
{
    PactTelemetry *client = client_with("");
    CHECK_STATUS(pact_telemetry_set_enabled(client, 0), PACT_TELEMETRY_OK);
    CHECK_STATUS(track(client, "off"), PACT_TELEMETRY_DISABLED);
    CHECK_STATUS(pact_telemetry_is_enabled(client), 0);
    CHECK_STATUS(pact_telemetry_set_enabled(client, -7), PACT_TELEMETRY_OK);
    CHECK_STATUS(pact_telemetry_is_enabled(client), 1);
    CHECK_STATUS(track(client, "on again"), PACT_TELEMETRY_OK);
    CHECK_STATUS(pact_telemetry_close(client, 10000), PACT_TELEMETRY_OK);
    CHECK_COUNT(count_of(client, "delivered"), 1);
    CHECK_COUNT(count_of(client, "disabled"), 1);
    pact_telemetry_free(client);
}

static void what_waits_when_it_is_turned_off_never_leaves(void)
{
    PactTelemetry *client = client_with("");
    CHECK_STATUS(track(client, "thrown away"), PACT_TELEMETRY_OK);
    CHECK_STATUS(pact_telemetry_set_enabled(client, 0), PACT_TELEMETRY_OK);
    int64_t before = count_of(client, "delivered"); /* 1 only if this thread was paused for 50 ms before */
    CHECK_STATUS(pact_telemetry_set_enabled(client, 1), PACT_TELEMETRY_OK);
    CHECK_STATUS(track(client, "kept"), PACT_TELEMETRY_OK);
    CHECK_STATUS(pact_telemetry_close(client, 10000), before == 1 ? PACT_TELEMETRY_OK : PACT_TELEMETRY_LOST);
    CHECK_COUNT(count_of(client, "opted_out"), 1 - before);
    CHECK_COUNT(count_of(client, "delivered"), 1 + before);
    check_counters_of(client);
    pact_telemetry_free(client);
}

static void what_was_queued_survives_its_client(void)
{
    PactTelemetry *client = client_with("");
    CHECK_STATUS(track(client, "orphan"), PACT_TELEMETRY_OK);
    pact_telemetry_free(client);
    /* The same queue, first in first out: when this one is delivered, so is the orphan. */
    PactTelemetry *other = client_with("");
    CHECK_STATUS(track(other, "takeover"), PACT_TELEMETRY_OK);
    CHECK_STATUS(pact_telemetry_close(other, 10000), PACT_TELEMETRY_OK);
    CHECK_COUNT(count_of(other, "accepted"), 1);
    pact_telemetry_free(other);
}

static void a_full_queue_refuses_and_counts(void)
{
    PactTelemetry *client = client_with("\"queue_capacity\": 1");
    CHECK_STATUS(track(client, "fits"), PACT_TELEMETRY_OK);
    int32_t status = PACT_TELEMETRY_OK;
    for (int more = 0; more < 100000 && status == PACT_TELEMETRY_OK; more++) { /* the first may leave meanwhile */
        status = track(client, "is too many");
    }
    CHECK_STATUS(status, PACT_TELEMETRY_QUEUE_FULL);
    CHECK_COUNT(count_of(client, "queue_full"), 1);
    CHECK_STATUS(pact_telemetry_close(client, 10000), PACT_TELEMETRY_OK);
    check_counters_of(client);
    pact_telemetry_free(client);
}

static void every_status_has_its_name(void)
{
    CHECK(strcmp(pact_telemetry_status_name(PACT_TELEMETRY_OK), "PACT_TELEMETRY_OK") == 0);
    CHECK(strcmp(pact_telemetry_status_name(PACT_TELEMETRY_LOST), "PACT_TELEMETRY_LOST") == 0);
    CHECK(strcmp(pact_telemetry_status_name(PACT_TELEMETRY_ERROR_INTERNAL), "PACT_TELEMETRY_ERROR_INTERNAL") == 0);
    CHECK(strcmp(pact_telemetry_status_name(7), "PACT_TELEMETRY_UNKNOWN") == 0);
    CHECK(strcmp(pact_telemetry_status_name(INT32_MIN), "PACT_TELEMETRY_UNKNOWN") == 0);
    CHECK(strcmp(pact_telemetry_status_name(INT32_MAX), "PACT_TELEMETRY_UNKNOWN") == 0);
    CHECK(pact_telemetry_abi_version() == PACT_TELEMETRY_ABI_VERSION);
    CHECK(strcmp(pact_telemetry_version(), PACT_TELEMETRY_VERSION) == 0);
    char numbers[64];
    snprintf(numbers, sizeof numbers, "%d.%d.%d", PACT_TELEMETRY_VERSION_MAJOR, PACT_TELEMETRY_VERSION_MINOR,
             PACT_TELEMETRY_VERSION_PATCH);
    CHECK(strncmp(PACT_TELEMETRY_VERSION, numbers, strlen(numbers)) == 0);
    pact_telemetry_free(NULL);
}

int main(void)
{
    closed_is_closed();
    off_is_off_until_it_is_on();
    what_waits_when_it_is_turned_off_never_leaves();
    what_was_queued_survives_its_client();
    a_full_queue_refuses_and_counts();
    every_status_has_its_name();
    return 0;
}
