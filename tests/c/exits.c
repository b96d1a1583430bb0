/* Tracks an event, prints the monotonic time in nanoseconds, and exits at once in the given way. Arguments: the way;
 * `with` the library, `busy` with it and a thread that keeps tracking as fast as possible, `paced` with a thread that
 * tracks every millisecond, or `without` it. The last events, except those of that thread, have the numbers 1000 to
 * 1019. */
#include "check.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static PactTelemetry *client = NULL;

static void *tracks_on(void *pause)
{
    for (;;) {
        track(client, "until the end");
        if (pause == NULL) {
            sched_yield();
        } else {
            nanosleep((const struct timespec *)pause, NULL);
        }
    }
    return pause;
}

static void end(const char *way)
{
    if (strcmp(way, "exit") == 0) {
        exit(0);
    } else if (strcmp(way, "_exit") == 0) {
        _exit(0);
    } else if (strcmp(way, "quick_exit") == 0) {
        quick_exit(0);
    } else if (strcmp(way, "abort") == 0) {
        abort();
    } else if (strcmp(way, "terminate") == 0) {
        raise(SIGTERM);
    } else if (strcmp(way, "kill") == 0) {
        raise(SIGKILL);
    } else if (strcmp(way, "stop") == 0) {
        pause(); /* until somebody kills it */
#ifdef __cplusplus
    } else if (strcmp(way, "throw") == 0) {
        throw 1;
#endif
    }
    CHECK(strcmp(way, "return") == 0);
}

int main(int count, char **arguments)
{
    struct rlimit no_core = {0, 0};
    struct timespec now;
    CHECK(count == 3);
    CHECK(setrlimit(RLIMIT_CORE, &no_core) == 0);
    if (strcmp(arguments[2], "without") != 0) {
        char more[64] = "";
        const char *timeout = getenv("EXIT_TIMEOUT_MS");
        if (timeout != NULL) {
            snprintf(more, sizeof more, "\"exit_timeout_ms\": %s", timeout);
        }
        client = client_with(more);
        CHECK_STATUS(track(client, "on the way out"), PACT_TELEMETRY_OK);
        pact_telemetry_flush(client, 200); /* so that it is on its way */
        if (strcmp(arguments[2], "with") != 0) {
            static struct timespec millisecond = {0, 1000000};
            void *pause = strcmp(arguments[2], "paced") == 0 ? &millisecond : NULL;
            pthread_t thread;
            for (int number = 1000; number < 1020; number++) {
                CHECK_STATUS(pact_telemetry_track(client, "numbered", "ProviderTest", "Completed", number, NULL, NULL),
                             PACT_TELEMETRY_OK);
            }
            CHECK(pthread_create(&thread, NULL, tracks_on, pause) == 0);
        }
    }
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    printf("%lld\n", (long long)now.tv_sec * 1000000000LL + now.tv_nsec);
    fflush(stdout);
    end(arguments[1]);
    return 0;
}
