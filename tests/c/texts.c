/* Every text of an event at, above and below what is allowed. `track` and `preview` have to agree on each. */
#include "check.h"

enum { EVENT, CATEGORY, ACTION, PLUGIN_NAME, PLUGIN_VERSION, FIELDS };

static const size_t LIMITS[FIELDS] = {500, 150, 500, 150, 150};
static int64_t accepted = 0, refused = 0;

static void expect_value(PactTelemetry *client, int field, const char *text, int64_t value, int32_t expected)
{
    const char *texts[FIELDS] = {"Pacts verified", "ProviderTest", "Completed", "protobuf", "0.3.15"};
    texts[field] = text;
    int32_t status = pact_telemetry_track(client, texts[EVENT], texts[CATEGORY], texts[ACTION], value,
                                          texts[PLUGIN_NAME], texts[PLUGIN_VERSION]);
    int32_t preview = pact_telemetry_preview(client, texts[EVENT], texts[CATEGORY], texts[ACTION], value,
                                             texts[PLUGIN_NAME], texts[PLUGIN_VERSION], NULL, 0);
    accepted += status == PACT_TELEMETRY_OK;
    refused += status < 0;
    if (status != expected) {
        printf("field %d, \"%.40s\", value %lld:\n", field, text, (long long)value);
    }
    CHECK_STATUS(status, expected);
    CHECK_STATUS(preview > 0 ? (int32_t)PACT_TELEMETRY_OK : preview, expected);
}

static void expect(PactTelemetry *client, int field, const char *text, int32_t expected)
{
    expect_value(client, field, text, 1, expected);
}

static void invalid_utf8(PactTelemetry *client)
{
    /* A stray byte, a cut character (which must not join the next field), a surrogate, an overlong NUL, beyond
     * U+10FFFF, a stray continuation, and a cut one after good text. */
    static const char *const BAD[] = {"\xff",     "a\xc3",         "\xed\xa0\x80", "\xc0\x80", "\xf4\x90\x80\x80",
                                      "\xbctail", "Gr\xc3\xb6\xc3"};
    for (int field = 0; field < FIELDS; field++) {
        for (size_t at = 0; at < sizeof BAD / sizeof *BAD; at++) {
            expect(client, field, BAD[at], PACT_TELEMETRY_ERROR_UTF8);
        }
    }
}

static void limits(PactTelemetry *client)
{
    for (int field = 0; field < FIELDS; field++) {
        char text[600];
        memset(text, 'x', sizeof text);
        text[LIMITS[field]] = '\0';
        expect(client, field, text, PACT_TELEMETRY_OK);
        text[LIMITS[field]] = 'x';
        text[LIMITS[field] + 1] = '\0';
        expect(client, field, text, PACT_TELEMETRY_ERROR_TOO_LONG);

        /* Bytes count, not characters. */
        for (size_t at = 0; at < LIMITS[field]; at += 2) {
            memcpy(text + at, "\xc3\xbc", 2);
        }
        text[LIMITS[field]] = '\0';
        expect(client, field, text, PACT_TELEMETRY_OK);
        text[LIMITS[field]] = 'x';
        expect(client, field, text, PACT_TELEMETRY_ERROR_TOO_LONG);

        char *endless = (char *)malloc(1 << 20);
        CHECK(endless != NULL);
        memset(endless, 'x', (1 << 20) - 1);
        endless[(1 << 20) - 1] = '\0';
        expect(client, field, endless, PACT_TELEMETRY_ERROR_TOO_LONG);
        free(endless);
    }
}

static void nothing(PactTelemetry *client)
{
    static const char *const BLANK[] = {"", " ", "      ", " \t", "\n"};
    for (size_t at = 0; at < sizeof BLANK / sizeof *BLANK; at++) {
        for (int field = EVENT; field <= ACTION; field++) {
            expect(client, field, BLANK[at], PACT_TELEMETRY_ERROR_EMPTY);
        }
    }
    for (int field = PLUGIN_NAME; field <= PLUGIN_VERSION; field++) {
        expect(client, field, "", PACT_TELEMETRY_OK);
        expect(client, field, "  ", PACT_TELEMETRY_OK);
        expect(client, field, NULL, PACT_TELEMETRY_OK);
    }
}

static void lookalikes(PactTelemetry *client)
{
    static const char *const FORBIDDEN[] = {"/home/ann/spec.rb", "~/pacts",           "ran ../spec/a",
                                            "C:\\pacts",         "\\\\server\\share", "a/b/c",
                                            "https://a.example", "see www.a.example", "file:///x",
                                            "ann@example.com",   "10.0.0.7",          "[::1]:80",
                                            "fe80::1",           "localhost:8080",    "db.a.example:5432"};
    static const char *const CONTROL[] = {"two\nlines", "bell\a", "del\x7f", "c1 \xc2\x85", "a\tb"};
    static const char *const INNOCENT[] = {"and/or",
                                           "v1.2.3",
                                           "ratio 1:2",
                                           "Gr\xc3\xb6\xc3\x9f"
                                           "e",
                                           "50 %",
                                           "Done."};
    for (int field = 0; field < FIELDS; field++) {
        for (size_t at = 0; at < sizeof FORBIDDEN / sizeof *FORBIDDEN; at++) {
            /* The name of a plugin may be any text. */
            expect(client, field, FORBIDDEN[at], field <= ACTION ? PACT_TELEMETRY_ERROR_FORBIDDEN : PACT_TELEMETRY_OK);
        }
        for (size_t at = 0; at < sizeof CONTROL / sizeof *CONTROL; at++) {
            expect(client, field, CONTROL[at], PACT_TELEMETRY_ERROR_FORBIDDEN);
        }
        for (size_t at = 0; at < sizeof INNOCENT / sizeof *INNOCENT; at++) {
            expect(client, field, INNOCENT[at], PACT_TELEMETRY_OK);
        }
    }
}

static void values(PactTelemetry *client)
{
    expect_value(client, EVENT, "e", -1, PACT_TELEMETRY_ERROR_RANGE);
    expect_value(client, EVENT, "e", INT64_MIN, PACT_TELEMETRY_ERROR_RANGE);
    expect_value(client, EVENT, "e", 0, PACT_TELEMETRY_OK);
    expect_value(client, EVENT, "e", INT64_MAX, PACT_TELEMETRY_OK);
}

int main(void)
{
    PactTelemetry *client = client_with("");
    invalid_utf8(client);
    limits(client);
    nothing(client);
    lookalikes(client);
    values(client);

    CHECK_COUNT(count_of(client, "accepted"), accepted);
    CHECK_COUNT(count_of(client, "invalid"), refused);
    CHECK_STATUS(pact_telemetry_close(client, 20000), PACT_TELEMETRY_OK);
    CHECK_COUNT(count_of(client, "delivered"), accepted);
    pact_telemetry_free(client);
    printf("delivered %lld\n", (long long)accepted);
    return 0;
}
