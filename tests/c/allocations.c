/* Counts what this thread allocates in each call. glibc only: the real allocator is reached by its internal names. */
#include <errno.h>
#include <stddef.h>

#ifdef __cplusplus
#define NO_THROW noexcept
extern "C" {
#else
#define NO_THROW
#endif
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
void *malloc(size_t size) NO_THROW;
void *calloc(size_t count, size_t size) NO_THROW;
void *realloc(void *old, size_t size) NO_THROW;
void *memalign(size_t alignment, size_t size) NO_THROW;
void *aligned_alloc(size_t alignment, size_t size) NO_THROW;
int posix_memalign(void **out, size_t alignment, size_t size) NO_THROW;
#ifdef __cplusplus
}
#endif

static __thread long allocations = 0;

void *malloc(size_t size) NO_THROW
{
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) NO_THROW
{
    allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) NO_THROW
{
    allocations++;
    return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size) NO_THROW
{
    allocations++;
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) NO_THROW
{
    allocations++;
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size) NO_THROW
{
    allocations++;
    *out = __libc_memalign(alignment, size);
    return *out == NULL ? ENOMEM : 0;
}

#include "check.h"

/* The most allocations of one call, of that many calls. */
static long most(PactTelemetry *client, int calls, int32_t expected, const char *plugin)
{
    long most = 0;
    for (int call = 0; call < calls; call++) {
        long before = allocations;
        int32_t status = pact_telemetry_track(client, "Plugin loaded", "Plugin", "Loaded", call, plugin, plugin);
        long during = allocations - before;
        most = during > most ? during : most;
        CHECK_STATUS(status, expected);
    }
    return most;
}

int main(void)
{
    PactTelemetry *client = client_with("");
    long before = allocations;
    CHECK_STATUS(track(client, "first"), PACT_TELEMETRY_OK);
    CHECK(allocations > before); /* the count includes the library, which allocates its threads and queue here */
    CHECK_STATUS(pact_telemetry_flush(client, 10000), PACT_TELEMETRY_OK);
    most(client, 100, PACT_TELEMETRY_OK, NULL);

    for (int round = 0; round < 5; round++) { /* never so many at once that the first part of the queue is full */
        CHECK_STATUS(pact_telemetry_flush(client, 10000), PACT_TELEMETRY_OK);
        CHECK_STATUS(track(client, "starts the worker"), PACT_TELEMETRY_OK); /* which ends after a quiet time */
        CHECK_COUNT(most(client, 100, PACT_TELEMETRY_OK, NULL), 1);
        CHECK_COUNT(most(client, 100, PACT_TELEMETRY_OK,
                         "gr\xc3\xb6\xc3\x9f"
                         "er"),
                    1);
    }
    most(client, 2000, PACT_TELEMETRY_OK, NULL); /* makes the second part of the queue */
    CHECK_STATUS(pact_telemetry_flush(client, 10000), PACT_TELEMETRY_OK);
    CHECK_STATUS(track(client, "starts the worker"), PACT_TELEMETRY_OK); /* which ends after a quiet time */
    CHECK_COUNT(most(client, 2000, PACT_TELEMETRY_OK, NULL), 1); /* no part is made any more */
    CHECK_STATUS(pact_telemetry_flush(client, 20000), PACT_TELEMETRY_OK);

    CHECK(setenv("PACT_DO_NOT_TRACK", "true", 1) == 0);
    CHECK_COUNT(most(client, 500, PACT_TELEMETRY_DISABLED, "p"), 0);
    CHECK(unsetenv("PACT_DO_NOT_TRACK") == 0);
    CHECK(setenv("DO_NOT_TRACK", "1", 1) == 0);
    CHECK_COUNT(most(client, 500, PACT_TELEMETRY_DISABLED, "p"), 0);
    CHECK(unsetenv("DO_NOT_TRACK") == 0);
    CHECK_STATUS(pact_telemetry_set_enabled(client, 0), PACT_TELEMETRY_OK);
    CHECK_COUNT(most(client, 500, PACT_TELEMETRY_DISABLED, "p"), 0);
    CHECK_STATUS(pact_telemetry_set_enabled(client, 1), PACT_TELEMETRY_OK);
    CHECK_STATUS(track(client, "last"), PACT_TELEMETRY_OK);
    CHECK_STATUS(pact_telemetry_close(client, 10000), PACT_TELEMETRY_OK);
    CHECK_COUNT(most(client, 500, PACT_TELEMETRY_CLOSED, "p"), 0);
    pact_telemetry_free(client);
    return 0;
}
