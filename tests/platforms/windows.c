/* What a program on Windows may do with the library, which it loads itself. Argument: the way to end.
 *   exit        returns from main: the program's C runtime is the universal one
 *   msvcrt      calls exit of msvcrt.dll, as a program of that older C runtime does
 *   late        as exit, 400 ms after the last event
 *   ExitProcess ends without any C runtime, as node and Go do
 *   busy        as ExitProcess, while other threads track without a pause
 *   terminate   is ended by TerminateProcess after persist said that all is on disk
 *   unload      closes, frees, unloads, and lives on for a second
 *   reload      loads and unloads ten times
 *   off         expects to be opted out
 *   takeover    delivers what others left: tracks and flushes until the folder of the second argument has no batch
 *   trust       adds a certificate (DER, the second argument) to the user's trusted roots
 * Prints what went wrong and ends with 1 then. */
#include <pact_telemetry.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <windows.h>

#define LIBRARY "{\"library\": {\"id\": \"pact-c\", \"name\": \"Pact C\", \"version\": \"1\"}"
#define CONFIG LIBRARY ", \"exit_timeout_ms\": 10000}"
#define CHECK(condition) ((condition) ? (void)0 : failed(__LINE__, #condition))

typedef PactTelemetry *(*New)(const char *, char *, uint32_t);
typedef int32_t (*Track)(PactTelemetry *, const char *, const char *, const char *, int64_t, const char *,
                         const char *);
typedef int32_t (*Wait)(PactTelemetry *, uint32_t);
typedef void (*Free)(PactTelemetry *);
typedef void (*Exit)(int);

static HMODULE library;

static void failed(int line, const char *what)
{
    printf("windows.c:%d: failed: %s (%lu)\n", line, what, GetLastError());
    fflush(stdout);
    TerminateProcess(GetCurrentProcess(), 1);
}

static void find(HMODULE where, const char *name, void *function)
{
    FARPROC found = GetProcAddress(where, name);
    CHECK(found != NULL);
    memcpy(function, &found, sizeof found);
}

static PactTelemetry *client_of_a_loaded_library(void)
{
    New make;
    char error[1024] = "";
    library = LoadLibraryA("pact_telemetry.dll");
    CHECK(library != NULL);
    find(library, "pact_telemetry_new", &make);
    PactTelemetry *client = make(CONFIG, error, sizeof error);
    printf("%s", error);
    CHECK(client != NULL);
    return client;
}

static int32_t track(PactTelemetry *client, const char *event)
{
    Track function;
    find(library, "pact_telemetry_track", &function);
    return function(client, event, "ProviderTest", "Completed", 1, NULL, NULL);
}

static int32_t wait_by(const char *name, PactTelemetry *client, uint32_t milliseconds)
{
    Wait function;
    find(library, name, &function);
    return function(client, milliseconds);
}

static void unload(PactTelemetry *client)
{
    Free give_back;
    find(library, "pact_telemetry_free", &give_back);
    CHECK(wait_by("pact_telemetry_close", client, 20000) == PACT_TELEMETRY_OK);
    give_back(client);
    CHECK(FreeLibrary(library));
}

static DWORD WINAPI track_on(void *client)
{
    for (;;) {
        track((PactTelemetry *)client, "busy");
    }
    return 0;
}

static int is_any_batch_in(const char *folder)
{
    char pattern[1024];
    WIN32_FIND_DATAA found;
    snprintf(pattern, sizeof pattern, "%s\\*.batch*", folder);
    HANDLE search = FindFirstFileA(pattern, &found);
    if (search != INVALID_HANDLE_VALUE) {
        FindClose(search);
    }
    return search != INVALID_HANDLE_VALUE;
}

static void take_over(PactTelemetry *client, const char *folder)
{
    int tries = 0;
    do {
        CHECK(++tries < 200);
        CHECK(track(client, "takeover") == PACT_TELEMETRY_OK);
        wait_by("pact_telemetry_flush", client, 10000);
        Sleep(100);
    } while (is_any_batch_in(folder));
}

static void trust(const char *file)
{
    BYTE certificate[4096];
    FILE *opened = fopen(file, "rb");
    CHECK(opened != NULL);
    size_t length = fread(certificate, 1, sizeof certificate, opened);
    HCERTSTORE roots = CertOpenSystemStoreA(0, "ROOT");
    CHECK(length > 0 && roots != NULL);
    CHECK(CertAddEncodedCertificateToStore(roots, X509_ASN_ENCODING, certificate, (DWORD)length,
                                           CERT_STORE_ADD_REPLACE_EXISTING, NULL));
    CHECK(CertCloseStore(roots, 0));
}

int main(int count, char **arguments)
{
    CHECK(count >= 2);
    const char *way = arguments[1];
    if (strcmp(way, "trust") == 0) {
        trust(arguments[2]);
        return 0;
    }
    HMODULE runtime = strcmp(way, "msvcrt") == 0 ? LoadLibraryA("msvcrt.dll") : NULL;
    PactTelemetry *client = client_of_a_loaded_library();
    if (strcmp(way, "off") == 0) {
        CHECK(track(client, "opted out") == PACT_TELEMETRY_DISABLED);
        CHECK(wait_by("pact_telemetry_close", client, 20000) == PACT_TELEMETRY_OK);
        return 0;
    }
    if (strcmp(way, "takeover") == 0) {
        CHECK(count == 3);
        take_over(client, arguments[2]);
        unload(client);
        return 0;
    }
    for (int number = 0; number < 4; number++) {
        CHECK(track(client, way) == PACT_TELEMETRY_OK);
    }
    if (strcmp(way, "unload") == 0) {
        unload(client);
        Sleep(1000);
    } else if (strcmp(way, "reload") == 0) {
        for (int times = 0; times < 10; times++) {
            unload(client);
            client = client_of_a_loaded_library();
            CHECK(track(client, way) == PACT_TELEMETRY_OK);
        }
        unload(client);
    } else if (strcmp(way, "msvcrt") == 0) {
        Exit leave;
        find(runtime, "exit", &leave);
        leave(0);
    } else if (strcmp(way, "late") == 0) {
        Sleep(400);
    } else if (strcmp(way, "ExitProcess") == 0) {
        ExitProcess(0);
    } else if (strcmp(way, "busy") == 0) {
        for (int thread = 0; thread < 3; thread++) {
            CHECK(CreateThread(NULL, 0, track_on, client, 0, NULL) != NULL);
        }
        Sleep(20);
        ExitProcess(0);
    } else if (strcmp(way, "terminate") == 0) {
        int32_t kept = wait_by("pact_telemetry_persist", client, 10000);
        CHECK(kept == PACT_TELEMETRY_KEPT || kept == PACT_TELEMETRY_OK);
        TerminateProcess(GetCurrentProcess(), 0);
    } else {
        CHECK(strcmp(way, "exit") == 0);
    }
    return 0;
}
