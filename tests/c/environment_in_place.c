/* An opt-out that replaces another variable: in place, or in memory that was freed. The next event sees it, and so does
 * the one after it is removed. */
#include "check.h"

static const char *const NAMES[] = {"PACT_DO_NOT_TRACK", "pact_do_not_track", "DO_NOT_TRACK"};

static PactTelemetry *client;

static void expect(int32_t status)
{
    CHECK_STATUS(track(client, "in place"), status);
    CHECK_STATUS(track(client, "in place"), status);
}

static void take_out(const char *entry)
{
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(entry, "="), entry);
    CHECK(unsetenv(name) == 0);
}

/* The old and the new text have the same length. */
static void change_in_place(char *entry, const char *before, const char *after)
{
    CHECK(strlen(before) >= strlen(after));
    strcpy(entry, before);
    CHECK(putenv(entry) == 0);
    expect(PACT_TELEMETRY_OK);
    strcpy(entry, after);
    expect(PACT_TELEMETRY_DISABLED);
    strcpy(entry, before);
    expect(PACT_TELEMETRY_OK);
    take_out(before);
    expect(PACT_TELEMETRY_OK);
}

/* malloc gives the memory of the first string again for the second. */
static void reuse_memory(const char *opt_out)
{
    char other[64];
    snprintf(other, sizeof other, "ZZ%s", opt_out + 2);
    char *first = strdup(other);
    CHECK(putenv(first) == 0);
    expect(PACT_TELEMETRY_OK);
    take_out(other);
    free(first);
    char *second = strdup(opt_out);
    CHECK(putenv(second) == 0);
    expect(PACT_TELEMETRY_DISABLED);
    take_out(opt_out);
    free(second);
    expect(PACT_TELEMETRY_OK);
}

/* A name that stands there twice: each of its values can opt out, also when all entries are read anew. */
static void stands_twice(const char *name)
{
    static char first[64], second[64], answer[65536], rule[64];
    for (int off_is_first = 0; off_is_first < 2; off_is_first++) {
        snprintf(first, sizeof first, "%s=%d", name, off_is_first);
        snprintf(second, sizeof second, "%s=%d", name, !off_is_first);
        second[0]++; /* another name, for now */
        CHECK(putenv(first) == 0 && putenv(second) == 0);
        second[0]--;
        CHECK(setenv("ONE_MORE", "1", 1) == 0);
        expect(PACT_TELEMETRY_DISABLED);
        CHECK(pact_telemetry_explain(client, answer, sizeof answer) < (int32_t)sizeof answer);
        snprintf(rule, sizeof rule, "\"rule\":\"%s\",\"rules\"", name);
        CHECK(strstr(answer, rule) != NULL);
        CHECK(unsetenv(name) == 0 && unsetenv("ONE_MORE") == 0);
        expect(PACT_TELEMETRY_OK);
    }
}

int main(void)
{
    static char entry[64], more[12][32];
    char after[64], before[64];
    client = client_with("");
    for (size_t at = 0; at < sizeof NAMES / sizeof *NAMES; at++) {
        snprintf(after, sizeof after, "%s=1", NAMES[at]);
        size_t length = strlen(after);
        /* Each byte on its own, and all of them. */
        for (size_t byte = 0; byte < length; byte++) {
            strcpy(before, after);
            before[byte] = byte == length - 1 ? '0' : after[byte] == '=' ? 'X' : 'x';
            if (strchr(before, '=') == NULL) {
                strcat(before, "=");
            }
            change_in_place(entry, before, after);
        }
        memset(before, 'A', sizeof before);
        snprintf(before + length - 2, 3, "=1");
        change_in_place(entry, before, after);
        change_in_place(entry, "A=1234567890123456789", after);
        reuse_memory(after);
    }
    /* Another number of entries, so that another one is the last. */
    for (int at = 0; at < 12; at++) {
        snprintf(more[at], sizeof more[at], "MORE_%d=1", at);
        CHECK(putenv(more[at]) == 0);
        change_in_place(entry, "AA_NOT_TRACK=1", "DO_NOT_TRACK=1");
        reuse_memory("DO_NOT_TRACK=1");
    }
    for (size_t at = 0; at < sizeof NAMES / sizeof *NAMES; at++) {
        stands_twice(NAMES[at]);
    }
    pact_telemetry_close(client, 20000);
    check_counters_of(client);
    pact_telemetry_free(client);
    return 0;
}
