/* Forks again and again, in every way, while the library works. Each child calls what a child may call, and tracks an
 * event with a number of its own. A watchdog ends a child that hangs. Arguments: what the library does (`idle`,
 * `tracking`, or `hanging` while it connects to a server that does not answer), how to fork (`fork`, `grandchild`,
 * `clone`, `spawn`, `vfork`), how many times, and how many children at once. */
#include "check.h"
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 3, WATCHDOG_SECONDS = 60, AT_ONCE_MAX = 64 };

static PactTelemetry *client;
static int is_over = 0, is_hanging;

static void *tracks_on(void *unused)
{
    while (!__atomic_load_n(&is_over, __ATOMIC_ACQUIRE)) {
        int32_t status = track(client, "parent");
        CHECK(status == PACT_TELEMETRY_OK || status == PACT_TELEMETRY_QUEUE_FULL);
        struct timespec pause = {0, 200000};
        nanosleep(&pause, NULL);
    }
    return unused;
}

static void ask_the_system(void)
{
    struct addrinfo *found = NULL;
    for (size_t size = 16; size < 1 << 20; size *= 4) {
        void *memory = malloc(size);
        CHECK(memory != NULL);
        memset(memory, 1, size);
        free(memory);
    }
    CHECK(getaddrinfo("localhost", "80", NULL, &found) == 0);
    freeaddrinfo(found);
    void *library = dlopen("libm.so.6", RTLD_NOW);
    CHECK(library != NULL && dlclose(library) == 0);
}

static void report(const char *event, int64_t number)
{
    CHECK_COUNT(count_of(client, "accepted"), 0);
    CHECK_STATUS(pact_telemetry_track(client, event, "ProviderTest", "Completed", number, NULL, NULL),
                 PACT_TELEMETRY_OK);
    if (is_hanging) { /* the parent holds the lock for uploads; what waits too long is left on disk */
        pact_telemetry_flush(client, 0);
        while (count_of(client, "spooled") != 1) {
            struct timespec pause = {0, 5000000};
            nanosleep(&pause, NULL);
        }
    } else {
        int32_t status = pact_telemetry_flush(client, 50000); /* no close, which a grandchild would inherit */
        CHECK(status == PACT_TELEMETRY_OK || status == PACT_TELEMETRY_KEPT);
    }
    CHECK_COUNT(count_of(client, "accepted"), 1);
    check_counters_of(client);
}

static void collect(pid_t child)
{
    int status = -1;
    CHECK(waitpid(child, &status, 0) > 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        printf("a child ended with status %#x%s\n", (unsigned)status,
               WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? ": it hung" : "");
        CHECK(0);
    }
}

static void in_child(const char *how, int64_t number)
{
    alarm(WATCHDOG_SECONDS);
    if (strcmp(how, "clone") != 0) { /* glibc does not know of it, and does not release its locks in the child */
        ask_the_system();
    }
    report("child", number);
    if (strcmp(how, "grandchild") == 0) {
        pid_t grandchild = fork();
        CHECK(grandchild >= 0);
        if (grandchild == 0) {
            alarm(WATCHDOG_SECONDS);
            ask_the_system();
            report("grandchild", number);
            _exit(0);
        }
        collect(grandchild);
    }
    _exit(0);
}

extern char **environ;

static pid_t start(const char *how, int64_t number)
{
    pid_t child = -1;
    if (strcmp(how, "spawn") == 0) {
        char *arguments[] = {(char *)"true", NULL};
        CHECK(posix_spawnp(&child, "true", NULL, NULL, arguments, environ) == 0);
    } else if (strcmp(how, "vfork") == 0) {
        child = vfork();
        if (child == 0) {
            _exit(0);
        }
    } else {
        child = strcmp(how, "clone") == 0 ? (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL) : fork();
        if (child == 0) {
            in_child(how, number);
        }
    }
    CHECK(child > 0);
    return child;
}

int main(int count, char **arguments)
{
    CHECK(count == 5);
    const char *doing = arguments[1], *how = arguments[2];
    int forks = atoi(arguments[3]), at_once = atoi(arguments[4]), running = 0;
    pthread_t threads[THREADS];
    CHECK(at_once > 0 && at_once <= AT_ONCE_MAX);
    is_hanging = strcmp(doing, "hanging") == 0;
    client = client_with("\"exit_timeout_ms\": 0");
    CHECK_STATUS(track(client, "parent"), PACT_TELEMETRY_OK);
    int32_t status = pact_telemetry_flush(client, is_hanging ? 200 : 20000);
    CHECK_STATUS(status, is_hanging ? PACT_TELEMETRY_ERROR_TIMEOUT : PACT_TELEMETRY_OK);
    for (int i = 0; i < THREADS && strcmp(doing, "tracking") == 0; i++) {
        CHECK(pthread_create(&threads[i], NULL, tracks_on, NULL) == 0);
    }
    for (int i = 0; i < forks; i++) {
        start(how, i);
        if (++running == at_once) {
            collect(-1);
            running--;
        }
    }
    for (; running > 0; running--) {
        collect(-1);
    }
    __atomic_store_n(&is_over, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < THREADS && strcmp(doing, "tracking") == 0; i++) {
        pthread_join(threads[i], NULL);
    }
    pact_telemetry_close(client, is_hanging ? 0 : 50000);
    check_counters_of(client);
    printf("delivered %lld\n", (long long)count_of(client, "delivered"));
    return 0;
}
