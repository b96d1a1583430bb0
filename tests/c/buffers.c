/* The functions that write text, with a buffer of every size from none to more than enough. */
#include "check.h"

#define SCHLUESSEL "schl\xc3\xbcssel"
#define MANY "\xe9\x94\xae\xf0\x9f\x98\x80\xc3\xbc"

static int32_t explain(const PactTelemetry *client, char *out, uint32_t capacity)
{
    return pact_telemetry_explain(client, out, capacity);
}

static int32_t stats(const PactTelemetry *client, char *out, uint32_t capacity)
{
    return pact_telemetry_stats(client, out, capacity);
}

static int32_t preview(const PactTelemetry *client, char *out, uint32_t capacity)
{
    return pact_telemetry_preview(client,
                                  "Gr\xc3\xb6\xc3\x9f"
                                  "e \xf0\x9f\x98\x80",
                                  "c " MANY, "a " MANY, 7, MANY, MANY, out, capacity);
}

/* `is_fixed`: the text is the same at every call. A preview contains the time, always with as many digits. */
static void at_every_size(int32_t (*call)(const PactTelemetry *, char *, uint32_t), const PactTelemetry *client,
                          int is_fixed, const char *holds)
{
    static char full[16384];
    int32_t length = call(client, full, sizeof full);
    CHECK(length > 0 && (size_t)length == strlen(full));
    CHECK(full[0] == '{' && full[length - 1] == '}');
    CHECK(strstr(full, holds) != NULL);
    for (uint32_t capacity = 0; capacity <= (uint32_t)length + 2; capacity++) {
        Buffer buffer = buffer_of(capacity);
        CHECK_COUNT(call(client, buffer.text, capacity), length);
        CHECK(!is_fixed || capacity == 0 || strncmp(full, buffer.text, strlen(buffer.text)) == 0);
        check_written(buffer, (size_t)length);
    }
}

int main(void)
{
    PactTelemetry *client = client_with("\"" SCHLUESSEL "\": 1, \"" MANY "\": 2");
    at_every_size(explain, client, 1, "`" SCHLUESSEL "`");
    at_every_size(explain, client, 1, "`" MANY "`");
    at_every_size(stats, client, 1, "\"accepted\":0");
    at_every_size(preview, client, 0,
                  "Gr\xc3\xb6\xc3\x9f"
                  "e \xf0\x9f\x98\x80");
    pact_telemetry_free(client);
    return 0;
}
