/* Loads and unloads the library again and again with its background threads at work. Arguments: how many times, and the
 * paths of one or more copies of the library. Not linked with it. */
#include <dlfcn.h>
#include <pact_telemetry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG "{\"library\": {\"id\": \"pact-c\", \"name\": \"Pact C\", \"version\": \"1.2.3\"}}"
#define CHECK(condition) ((condition) ? (void)0 : failed(__LINE__, #condition))

static void failed(int line, const char *what)
{
    const char *error = dlerror();
    printf("%s:%d: failed: %s (%s)\n", __FILE__, line, what, error == NULL ? "" : error);
    fflush(stdout);
    _Exit(1);
}

typedef PactTelemetry *(*New)(const char *, char *, uint32_t);
typedef int32_t (*Track)(PactTelemetry *, const char *, const char *, const char *, int64_t, const char *,
                         const char *);
typedef int32_t (*Flush)(PactTelemetry *, uint32_t);
typedef void (*Free)(PactTelemetry *);

/* POSIX has dlsym's data pointer hold a function's; ISO C has no cast for it. */
static void find(void *library, const char *name, void *function)
{
    void *found = dlsym(library, name);
    CHECK(found != NULL);
    memcpy(function, &found, sizeof found);
}

static void once(const char *path, int is_last)
{
    New make;
    Track track;
    Flush flush;
    Free give_back;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CHECK(library != NULL);
    find(library, "pact_telemetry_new", &make);
    find(library, "pact_telemetry_track", &track);
    find(library, "pact_telemetry_flush", &flush);
    find(library, "pact_telemetry_free", &give_back);
    PactTelemetry *client = make(CONFIG, NULL, 0);
    CHECK(client != NULL);
    CHECK(track(client, "loaded again", "ProviderTest", "Completed", 1, NULL, NULL) == PACT_TELEMETRY_OK);
    if (is_last) { /* first in, first out: with this one all before it are delivered */
        CHECK(flush(client, 20000) == PACT_TELEMETRY_OK);
    }
    give_back(client);
    CHECK(dlclose(library) == 0);
}

int main(int count, char **arguments)
{
    CHECK(count >= 3);
    int rounds = atoi(arguments[1]);
    for (int i = 1; i <= rounds; i++) {
        for (int at = 2; at < count; at++) {
            once(arguments[at], i == rounds);
        }
    }
    return 0;
}
