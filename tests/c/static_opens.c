/* Linked statically, and still loads the library: it gets a client that is off, and that says why. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef void *(*New)(const char *, char *, uint32_t);
typedef int32_t (*Track)(void *, const char *, const char *, const char *, int64_t, const char *, const char *);
typedef int32_t (*Explain)(void *, char *, uint32_t);

int main(int count, char **arguments)
{
    char text[8192] = "";
    New make;
    Track track;
    Explain explain;
    void *library = count == 2 ? dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    if (library == NULL) {
        printf("not opened: %s\n", dlerror());
        return 77;
    }
    void *found = dlsym(library, "pact_telemetry_new");
    memcpy(&make, &found, sizeof found);
    found = dlsym(library, "pact_telemetry_track");
    memcpy(&track, &found, sizeof found);
    found = dlsym(library, "pact_telemetry_explain");
    memcpy(&explain, &found, sizeof found);
    void *client = make("{\"library\": {\"id\": \"a\", \"name\": \"A\", \"version\": \"1\"}}", text, sizeof text);
    if (client == NULL || track(client, "a", "b", "c", 1, NULL, NULL) != 1) {
        printf("%s\n", text);
        return 1;
    }
    explain(client, text, sizeof text);
    if (strstr(text, "static program") == NULL) {
        printf("%s\n", text);
        return 1;
    }
    return 0;
}
