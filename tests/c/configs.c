/* Configs at, above and below the limits, and the error's buffer at every size. */
#include "check.h"

#define TEXT(key, value) "{" LIBRARY ", \"" key "\": \"" value "\"}"

static void refuse(const char *config, const char *says)
{
    char error[1024];
    memset(error, CANARY, sizeof error);
    PactTelemetry *client = pact_telemetry_new(config, error, sizeof error);
    CHECK(memchr(error, '\0', sizeof error) != NULL);
    if (client != NULL || strstr(error, says) == NULL) {
        printf("%.100s: expected an error with \"%s\", got \"%s\"\n", config, says, error);
        check_failed(__FILE__, __LINE__, "refuse");
    }
    CHECK(is_whole_utf8(error));
}

static void take(const char *config)
{
    char error[1024];
    memset(error, CANARY, sizeof error);
    PactTelemetry *client = pact_telemetry_new(config, error, sizeof error);
    if (client == NULL) {
        printf("%.100s: %s\n", config, error);
        check_failed(__FILE__, __LINE__, "take");
    }
    CHECK(strcmp(error, "") == 0);
    pact_telemetry_free(client);
}

/* `head`, then `count` times the character, then `tail`. */
static char *filled(const char *head, char with, size_t count, const char *tail)
{
    size_t before = strlen(head), after = strlen(tail);
    char *text = (char *)malloc(before + count + after + 1);
    CHECK(text != NULL);
    memcpy(text, head, before);
    memset(text + before, with, count);
    memcpy(text + before + count, tail, after + 1);
    return text;
}

static void limit(const char *head, const char *tail, size_t most, const char *key)
{
    char *fits = filled(head, 'x', most, tail);
    take(fits);
    free(fits);
    char *over = filled(head, 'x', most + 1, tail);
    refuse(over, key);
    free(over);
}

static void lengths(void)
{
    limit("{\"library\": {\"id\": \"", "\", \"name\": \"n\", \"version\": \"v\"}}", 150, "`library.id`");
    limit("{\"library\": {\"id\": \"i\", \"name\": \"", "\", \"version\": \"v\"}}", 100, "`library.name`");
    limit("{\"library\": {\"id\": \"i\", \"name\": \"n\", \"version\": \"", "\"}}", 100, "`library.version`");
    limit("{" LIBRARY ", \"test_framework\": \"", "\"}", 150, "`test_framework`");
    limit("{" LIBRARY ", \"platform_version\": \"", "\"}", 150, "`platform_version`");
    limit("{" LIBRARY ", \"tracking_id\": \"", "\"}", 100, "`tracking_id`");

    /* The whole config: blanks around it count. */
    size_t own = strlen("{" LIBRARY "}");
    char *fits = filled("{" LIBRARY, ' ', 65536 - own, "}");
    CHECK(strlen(fits) == 65536);
    take(fits);
    free(fits);
    char *over = filled("{" LIBRARY, ' ', 65537 - own, "}");
    refuse(over, "65536");
    free(over);
}

static void wrong_in_every_way(void)
{
    refuse("", "not JSON");
    refuse("   ", "not JSON");
    refuse("{", "not JSON");
    refuse("{" LIBRARY "} and more", "not JSON");
    refuse("[]", "must be a JSON object");
    refuse("null", "must be a JSON object");
    refuse("{}", "`library`");
    refuse("{\"library\": null}", "`library`");
    refuse("{\"library\": 7}", "`library` must be an object, found 7");
    refuse("{\"library\": {}}", "`library.id`");
    refuse("{\"library\": {\"id\": \" \", \"name\": \"n\", \"version\": \"v\"}}", "`library.id`");
    refuse("{\"library\": {\"id\": \"i\", \"name\": \"\", \"version\": \"v\"}}", "`library.name`");
    refuse("{\"library\": {\"id\": \"i\", \"name\": \"n\"}}", "`library.version`");
    refuse("{\"library\": {\"id\": 1, \"name\": \"n\", \"version\": \"v\"}}", "`library.id` must be a string, found 1");
    refuse("{\"library\": {\"id\": \"a\\nb\", \"name\": \"n\", \"version\": \"v\"}}", "`library.id`");
    refuse(TEXT("enabled", "yes"), "`enabled` must be true or false, found a string");
    refuse(TEXT("data_source", "server"), "`data_source`");
    refuse(TEXT("protocol", "smtp"), "`protocol`");
    refuse(TEXT("state_dir", "relative/path"), "`state_dir`");
    refuse("{" LIBRARY ", \"test_framework\": []}", "`test_framework` must be a string, found an array");
    refuse("{" LIBRARY ", \"queue_capacity\": 0}", "`queue_capacity`");
    refuse("{" LIBRARY ", \"queue_capacity\": 4097}", "`queue_capacity`");
    refuse("{" LIBRARY ", \"queue_capacity\": 1.5}", "`queue_capacity`");
    refuse("{" LIBRARY ", \"exit_timeout_ms\": -1}", "`exit_timeout_ms`");
    refuse("{" LIBRARY ", \"exit_timeout_ms\": 10001}", "`exit_timeout_ms`");
    take("{" LIBRARY ", \"queue_capacity\": 1}");
    take("{" LIBRARY ", \"queue_capacity\": 4096}");
    take("{" LIBRARY ", \"exit_timeout_ms\": 0}");
    take("{" LIBRARY ", \"exit_timeout_ms\": 10000}");
    take("{" LIBRARY ", \"enabled\": null, \"no_such_key\": [1, 2]}");
}

static void bytes_that_are_no_text(void)
{
    refuse("\xff", "UTF-8");
    refuse("{\"library\": {\"id\": \"a\xc3\", \"name\": \"n\", \"version\": \"v\"}}", "UTF-8");
    refuse("{" LIBRARY "}\xed\xa0\x80", "UTF-8");
}

static void the_error_is_cut_between_characters_at_every_size(void)
{
    /* Characters of two, three and four bytes, side by side. */
    static const char CONFIG[] =
        TEXT("data_source", "schl\xc3\xbcssel\xe2\x82\xac\xe2\x82\xac\xf0\x9f\x98\x80\xc3\xbc");
    char full[1024];
    CHECK(pact_telemetry_new(CONFIG, full, sizeof full) == NULL);
    CHECK(strstr(full, "schl\xc3\xbcssel\xe2\x82\xac") != NULL);
    uint32_t length = (uint32_t)strlen(full);
    for (uint32_t capacity = 0; capacity <= length + 2; capacity++) {
        Buffer buffer = buffer_of(capacity);
        CHECK(pact_telemetry_new(CONFIG, buffer.text, capacity) == NULL);
        CHECK(capacity == 0 || strncmp(full, buffer.text, strlen(buffer.text)) == 0);
        check_written(buffer, length);
    }
}

static void success_sets_the_error_to_nothing_at_every_size(void)
{
    for (uint32_t capacity = 0; capacity <= 4; capacity++) {
        Buffer buffer = buffer_of(capacity);
        PactTelemetry *client = pact_telemetry_new("{" LIBRARY "}", buffer.text, capacity);
        CHECK(client != NULL);
        pact_telemetry_free(client);
        check_written(buffer, 0);
    }
}

int main(void)
{
    lengths();
    wrong_in_every_way();
    bytes_that_are_no_text();
    the_error_is_cut_between_characters_at_every_size();
    success_sets_the_error_to_nothing_at_every_size();
    return 0;
}
