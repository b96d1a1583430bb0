/* What every program here needs: a check that prints where it failed, a client, and its counters. */
#ifndef CHECK_H
#define CHECK_H

#include <pact_telemetry.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))
#define CHECK_STATUS(call, expected) check_status(__FILE__, __LINE__, #call, (call), (expected))
#define CHECK_COUNT(call, expected) check_count(__FILE__, __LINE__, #call, (call), (expected))

#define LIBRARY "\"library\": {\"id\": \"pact-c\", \"name\": \"Pact C\", \"version\": \"1.2.3\"}"

/* Exits at once: exit() would first wait for answers. */
static inline void check_failed(const char *file, int line, const char *what)
{
    printf("%s:%d: failed: %s\n", file, line, what);
    fflush(stdout);
    _Exit(1);
}

static inline void check_status(const char *file, int line, const char *call, int32_t got, int32_t expected)
{
    if (got != expected) {
        printf("%s:%d: %s: got %s (%d), expected %s\n", file, line, call, pact_telemetry_status_name(got), (int)got,
               pact_telemetry_status_name(expected));
        check_failed(file, line, call);
    }
}

static inline void check_count(const char *file, int line, const char *call, int64_t got, int64_t expected)
{
    if (got != expected) {
        printf("%s:%d: %s: got %lld, expected %lld\n", file, line, call, (long long)got, (long long)expected);
        check_failed(file, line, call);
    }
}

/* A client by a config of LIBRARY and more keys, such as "\"queue_capacity\": 1"; "" for none. */
static inline PactTelemetry *client_with(const char *more)
{
    char config[2048], error[512];
    snprintf(config, sizeof config, "{" LIBRARY "%s%s}", *more == '\0' ? "" : ", ", more);
    PactTelemetry *client = pact_telemetry_new(config, error, sizeof error);
    if (client == NULL) {
        printf("%s\n", error);
        check_failed(__FILE__, __LINE__, "client_with");
    }
    return client;
}

/* Tracks an event of that name that is valid in every other respect. */
static inline int32_t track(PactTelemetry *client, const char *event)
{
    return pact_telemetry_track(client, event, "ProviderTest", "Completed", 1, NULL, NULL);
}

/* The counters as text. */
static inline void read_stats(const PactTelemetry *client, char *out, uint32_t capacity)
{
    int32_t length = pact_telemetry_stats(client, out, capacity);
    CHECK(length > 0 && (uint32_t)length < capacity);
}

/* The number after "name": in the counters of the client, not in those of earlier processes. */
static inline int64_t number_of(const char *stats, const char *name)
{
    char key[64];
    snprintf(key, sizeof key, "\"%s\":", name);
    const char *others = strstr(stats, "\"left_by_others\":{"), *found = strstr(stats, key);
    const char *others_end = others == NULL ? NULL : strchr(others, '}');
    if (others_end != NULL && found > others && found < others_end) {
        found = strstr(others_end, key);
    }
    if (found == NULL) {
        printf("no %s in %s\n", key, stats);
        check_failed(__FILE__, __LINE__, "number_of");
        return -1;
    }
    return strtoll(found + strlen(key), NULL, 10);
}

static inline int64_t count_of(const PactTelemetry *client, const char *name)
{
    char stats[2048];
    read_stats(client, stats, sizeof stats);
    return number_of(stats, name);
}

/* The sum of all reasons under "dropped". */
static inline int64_t dropped_in(const char *stats)
{
    int64_t sum = 0;
    const char *at = strstr(stats, "\"dropped\":{");
    CHECK(at != NULL);
    for (at = strchr(at, '{'); *at != '}' && *at != '\0'; at++) {
        if (*at == ':') {
            sum += strtoll(at + 1, NULL, 10);
        }
    }
    CHECK(*at == '}');
    return sum;
}

/* Checks that no event is unaccounted for. */
static inline void check_counters(const char *stats)
{
    int64_t accounted = number_of(stats, "delivered") + number_of(stats, "unconfirmed") + number_of(stats, "queued")
                        + number_of(stats, "spooled") + dropped_in(stats);
    if (number_of(stats, "accepted") != accounted) {
        printf("%s\n", stats);
        check_failed(__FILE__, __LINE__, "accepted = delivered + unconfirmed + queued + spooled + dropped");
    }
}

static inline void check_counters_of(const PactTelemetry *client)
{
    char stats[2048];
    read_stats(client, stats, sizeof stats);
    check_counters(stats);
}

/* Whether a text is UTF-8 in complete characters. Checks enough of RFC 3629 to notice a cut. */
static inline int is_whole_utf8(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    while (*at != '\0') {
        int more = *at < 0x80 ? 0 : *at >= 0xf0 ? 3 : *at >= 0xe0 ? 2 : *at >= 0xc2 ? 1 : -1;
        if (more < 0) {
            return 0;
        }
        for (at++; more > 0; more--, at++) {
            if ((*at & 0xc0) != 0x80) {
                return 0;
            }
        }
    }
    return 1;
}

#define CANARY 0x5a

/* A buffer of `capacity` bytes, then as many canaries as may be overrun. */
typedef struct Buffer {
    char *text;
    size_t size;
    uint32_t capacity;
} Buffer;

static inline Buffer buffer_of(uint32_t capacity)
{
    Buffer buffer;
    buffer.size = (size_t)capacity + 64;
    buffer.capacity = capacity;
    buffer.text = (char *)malloc(buffer.size);
    CHECK(buffer.text != NULL);
    memset(buffer.text, CANARY, buffer.size);
    return buffer;
}

/* Checks what a function wrote whose full text is `full` bytes long: terminated, cut between characters and no earlier
 * than needed, nothing beyond the capacity touched. Frees it. */
static inline void check_written(Buffer buffer, size_t full)
{
    for (size_t at = buffer.capacity; at < buffer.size; at++) {
        CHECK(buffer.text[at] == CANARY);
    }
    if (buffer.capacity > 0) {
        const char *end = (const char *)memchr(buffer.text, '\0', buffer.capacity);
        CHECK(end != NULL);
        size_t length = (size_t)(end - buffer.text);
        size_t most = buffer.capacity - 1;
        CHECK(is_whole_utf8(buffer.text));
        if (full <= most) {
            CHECK(length == full);
        } else {
            CHECK(length <= most && length + 4 > most); /* the next character did not fit */
        }
    }
    free(buffer.text);
}

#endif
