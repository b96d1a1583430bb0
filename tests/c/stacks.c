/* Prints the size of the stack of each thread of the library, because musl's default of 128 KiB is too small. Counts
 * the calls of pthread_create, which go to this program first. */
#include "check.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>

#define SMALLEST ((size_t)256 * 1024)

typedef int (*Create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

static atomic_int threads, small;

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument)
{
    size_t size = 0;
    Create create;
    void *found = dlsym(RTLD_NEXT, "pthread_create");
    CHECK(found != NULL);
    memcpy(&create, &found, sizeof create);
    atomic_fetch_add(&threads, 1);
    if (attributes == NULL || pthread_attr_getstacksize(attributes, &size) != 0 || size < SMALLEST) {
        atomic_fetch_add(&small, 1);
    }
    return create(thread, attributes, run, argument);
}

int main(void)
{
    PactTelemetry *client = client_with("");
    CHECK_STATUS(track(client, "large stacks"), PACT_TELEMETRY_OK);
    CHECK_STATUS(pact_telemetry_close(client, 20000), PACT_TELEMETRY_OK);
    CHECK_COUNT(atomic_load(&threads), 3); /* the worker, the uploader, and one that looks up the server's name */
    CHECK_COUNT(atomic_load(&small), 0);
    pact_telemetry_free(client);
    return 0;
}
