/* Signals arrive a thousand times a second. They run only on the host program's threads, and nothing is lost because of
 * them. */
#include "check.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define THREADS 3
#define EVENTS 100

static PactTelemetry *client;
static volatile sig_atomic_t signals, strangers, over;
static __thread volatile sig_atomic_t is_the_hosts;

static void on_signal(int number)
{
    (void)number;
    int before = errno;
    signals = signals + 1;
    if (!is_the_hosts) {
        strangers = strangers + 1;
    }
    errno = before;
}

static sigset_t all_signals;

/* A thread of the host program. It starts with all signals blocked, so that none arrives before it is registered. */
static void begin(void)
{
    is_the_hosts = 1;
    CHECK(pthread_sigmask(SIG_UNBLOCK, &all_signals, NULL) == 0);
}

static void *track_all(void *unused)
{
    begin();
    for (int number = 0; number < EVENTS; number++) {
        struct timespec time;
        CHECK_STATUS(track(client, "in a storm"), PACT_TELEMETRY_OK);
        time.tv_sec = 0;
        time.tv_nsec = 3000000L;
        nanosleep(&time, NULL);
        if (number % 10 == 0) {
            CHECK_STATUS(pact_telemetry_flush(client, 20000), PACT_TELEMETRY_OK);
        }
    }
    return unused;
}

static void *send_signals(void *unused)
{
    begin();
    while (!over) {
        struct timespec time;
        kill(getpid(), SIGUSR1); /* to whichever thread takes it */
        time.tv_sec = 0;
        time.tv_nsec = 500000L;
        nanosleep(&time, NULL);
    }
    return unused;
}

int main(void)
{
    pthread_t threads[THREADS], storm;
    struct sigaction action;
    struct itimerval timer;
    is_the_hosts = 1;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal; /* no SA_RESTART: calls are interrupted */
    CHECK(sigaction(SIGALRM, &action, NULL) == 0 && sigaction(SIGUSR1, &action, NULL) == 0);
    timer.it_interval.tv_sec = timer.it_value.tv_sec = 0;
    timer.it_interval.tv_usec = timer.it_value.tv_usec = 1000;
    sigfillset(&all_signals);
    client = client_with("");
    /* While every thread of the host program blocks them, a thread of the library that did not block them would get
     * them. */
    CHECK_STATUS(track(client, "in a storm"), PACT_TELEMETRY_OK);
    CHECK_STATUS(pact_telemetry_flush(client, 20000), PACT_TELEMETRY_OK);
    CHECK(pthread_sigmask(SIG_BLOCK, &all_signals, NULL) == 0);
    for (int times = 0; times < 20; times++) {
        struct timespec time;
        CHECK(kill(getpid(), SIGUSR1) == 0 && kill(getpid(), SIGALRM) == 0);
        time.tv_sec = 0;
        time.tv_nsec = 1000000L;
        nanosleep(&time, NULL);
    }
    CHECK_COUNT(signals, 0);
    begin();
    CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
    CHECK(pthread_sigmask(SIG_BLOCK, &all_signals, NULL) == 0);
    CHECK(pthread_create(&storm, NULL, send_signals, NULL) == 0);
    for (int at = 0; at < THREADS; at++) {
        CHECK(pthread_create(&threads[at], NULL, track_all, NULL) == 0);
    }
    begin();
    for (int at = 0; at < THREADS; at++) {
        CHECK(pthread_join(threads[at], NULL) == 0);
    }
    CHECK_STATUS(pact_telemetry_close(client, 20000), PACT_TELEMETRY_OK);
    over = 1;
    CHECK(pthread_join(storm, NULL) == 0);
    CHECK_COUNT(count_of(client, "delivered"), THREADS * EVENTS + 1);
    check_counters_of(client);
    CHECK(signals > 100);
    CHECK_COUNT(strangers, 0);
    struct sigaction now;
    CHECK(sigaction(SIGALRM, NULL, &now) == 0 && now.sa_handler == on_signal);
    CHECK(sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL);
    printf("delivered %d\n", THREADS * EVENTS + 1);
    return 0;
}
