//go:build cgo && !windows

// Finds the library's functions at run time, so that a missing library can never keep a test from starting.
// With the build tag pact_telemetry_system they are linked instead.
#define _GNU_SOURCE // for RTLD_DEFAULT
#include "native.h"

#include <stdio.h>

#ifdef PACT_TELEMETRY_SYSTEM
#include <pact_telemetry.h>
#else
#include <dlfcn.h>
#endif

#ifdef __linux__
#include <link.h>
#include <sys/auxv.h>
#else
#include <unistd.h>
#endif

#define EACH_FUNCTION(DO) \
    DO(abi_version)       \
    DO(version)           \
    DO(status_name)       \
    DO(new)               \
    DO(track)             \
    DO(set_enabled)       \
    DO(is_enabled)        \
    DO(explain)           \
    DO(preview)           \
    DO(stats)             \
    DO(persist)           \
    DO(flush)             \
    DO(close)             \
    DO(free)

// Each pointer has the type of the function below that calls it, so that the two cannot differ.
#define POINTER(name) __typeof__(pact_telemetry_go_##name) *name;
static struct { EACH_FUNCTION(POINTER) } library;

#ifdef PACT_TELEMETRY_SYSTEM

static int find(const char *path, char *error, uint32_t error_capacity)
{
    (void)path, (void)error, (void)error_capacity;
#define TAKE(name) library.name = pact_telemetry_##name;
    EACH_FUNCTION(TAKE)
    return 0;
}

#else

static void *opened;

// ISO C has no cast from the result of dlsym to a function pointer, so the callers use the one that POSIX requires.
static int symbol(const char *name, void **to, char *error, uint32_t error_capacity)
{
    *to = dlsym(opened, name);
    if (*to == NULL) {
        snprintf(error, error_capacity, "no function %s in it", name);
        return -1;
    }
    return 0;
}

static int find(const char *path, char *error, uint32_t error_capacity)
{
    // With RTLD_NOW a missing symbol is found here and not in the middle of a test. A library that turns out to be
    // another one stays open, because closing it could unmap the code of threads that it started.
    // dlopen is looked up by name, because linkers warn if a statically linked program refers to it.
    void *(*open_library)(const char *, int);
    *(void **)&open_library = dlsym(RTLD_DEFAULT, "dlopen");
    opened = open_library == NULL ? NULL : open_library(path, RTLD_NOW | RTLD_LOCAL);
    if (opened == NULL) {
        const char *reason = dlerror();
        snprintf(error, error_capacity, "%s", reason != NULL ? reason : "there is no dlopen");
        return -1;
    }
    return symbol("pact_telemetry_abi_version", (void **)&library.abi_version, error, error_capacity);
}

#endif

const char *pact_telemetry_go_refusal(void)
{
#if defined(PACT_TELEMETRY_SYSTEM)
    return NULL;
#elif defined(__linux__)
    if (getauxval(AT_SECURE) != 0) {
        return "this process has more rights than its user (set-user-ID, or capabilities of its file)";
    }
    // The auxiliary vector has the address of the program's own headers.
    const ElfW(Phdr) *headers = (const ElfW(Phdr) *)getauxval(AT_PHDR);
    for (unsigned long i = 0; headers != NULL && i < getauxval(AT_PHNUM); i++) {
        if (headers[i].p_type == PT_INTERP) {
            return NULL;
        }
    }
    return "this program is linked statically: it has no dynamic linker, and a second C library would crash it";
#elif defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) || defined(__OpenBSD__)
    return issetugid() ? "this process has more rights than its user (set-user-ID)" : NULL;
#else
    return getuid() != geteuid() || getgid() != getegid() ? "this process has more rights than its user (set-user-ID)"
                                                          : NULL;
#endif
}

const char *pact_telemetry_go_libc(void)
{
#if defined(__linux__) && defined(__GLIBC__)
    return "-gnu";
#elif defined(__ANDROID__)
    return "-android";
#elif defined(__linux__)
    return "-musl";
#else
    return "";
#endif
}

int32_t pact_telemetry_go_load(const char *path, uint32_t abi, char *error, uint32_t error_capacity)
{
    if (find(path, error, error_capacity) != 0) {
        return -1;
    }
    // The ABI is checked before the other functions are looked up: another ABI may lack them, and it is the better
    // reason.
    uint32_t found = library.abi_version();
    if (found != abi) {
        snprintf(error, error_capacity, "its ABI version is %u, this package was written for %u", found, abi);
        return -1;
    }
#ifndef PACT_TELEMETRY_SYSTEM
#define LOOK_UP(name)                                                                                  \
    if (symbol("pact_telemetry_" #name, (void **)&library.name, error, error_capacity) != 0) {         \
        return -1;                                                                                     \
    }
    EACH_FUNCTION(LOOK_UP)
#endif
    return 0;
}

uint32_t pact_telemetry_go_abi_version(void)
{
    return library.abi_version();
}

const char *pact_telemetry_go_version(void)
{
    return library.version();
}

const char *pact_telemetry_go_status_name(int32_t status)
{
    return library.status_name(status);
}

PactTelemetry *pact_telemetry_go_new(const char *config_json, char *error, uint32_t error_capacity)
{
    return library.new(config_json, error, error_capacity);
}

int32_t pact_telemetry_go_track(PactTelemetry *client, const char *event, const char *category,
                                const char *action, int64_t value, const char *plugin_name, const char *plugin_version)
{
    return library.track(client, event, category, action, value, plugin_name, plugin_version);
}

int32_t pact_telemetry_go_set_enabled(PactTelemetry *client, int32_t enabled)
{
    return library.set_enabled(client, enabled);
}

int32_t pact_telemetry_go_is_enabled(const PactTelemetry *client)
{
    return library.is_enabled(client);
}

int32_t pact_telemetry_go_explain(const PactTelemetry *client, char *out, uint32_t capacity)
{
    return library.explain(client, out, capacity);
}

int32_t pact_telemetry_go_preview(const PactTelemetry *client, const char *event, const char *category,
                                  const char *action, int64_t value, const char *plugin_name,
                                  const char *plugin_version, char *out, uint32_t capacity)
{
    return library.preview(client, event, category, action, value, plugin_name, plugin_version, out, capacity);
}

int32_t pact_telemetry_go_stats(const PactTelemetry *client, char *out, uint32_t capacity)
{
    return library.stats(client, out, capacity);
}

int32_t pact_telemetry_go_persist(PactTelemetry *client, uint32_t timeout_ms)
{
    return library.persist(client, timeout_ms);
}

int32_t pact_telemetry_go_flush(PactTelemetry *client, uint32_t timeout_ms)
{
    return library.flush(client, timeout_ms);
}

int32_t pact_telemetry_go_close(PactTelemetry *client, uint32_t timeout_ms)
{
    return library.close(client, timeout_ms);
}

void pact_telemetry_go_free(PactTelemetry *client)
{
    library.free(client);
}
