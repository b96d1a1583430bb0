/* Tracks one event as the first thing that it does, and kills itself soon after. At the same time a thread of its own
 * writes a file, which shows how fast the machine is. Arguments: the event's number; the path of that file, which then
 * contains after how many nanoseconds it was written; the spool's folder; after how many milliseconds the process kills
 * itself, or 0 to wait until a batch is in the spool. Prints after how many nanoseconds that was, or how many of the
 * other threads could have run when the process was killed. */
#include "check.h"
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

static struct timespec begin;

static long long nanoseconds(void)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (now.tv_sec - begin.tv_sec) * 1000000000LL + now.tv_nsec - begin.tv_nsec;
}

static void *make_a_file(void *path)
{
    char text[32], other[4096];
    int length = snprintf(text, sizeof text, "%lld", nanoseconds());
    snprintf(other, sizeof other, "%s.new", (const char *)path);
    int file = open(other, O_CREAT | O_WRONLY | O_EXCL, 0600);
    CHECK(file >= 0 && write(file, text, (size_t)length) == length && close(file) == 0);
    CHECK(rename(other, (const char *)path) == 0);
    return NULL;
}

static int has_batch(const char *spool)
{
    DIR *folder = opendir(spool);
    int found = 0;
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        const char *end = strrchr(entry->d_name, '.');
        found |= entry->d_name[0] != '.' && end != NULL && strcmp(end, ".batch") == 0;
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return found;
}

/* How many threads beside this one could run now, and do not, for want of a processor: state R in proc(5). */
static int threads_that_could_run(void)
{
    DIR *threads = opendir("/proc/self/task");
    int found = 0;
    CHECK(threads != NULL);
    for (struct dirent *entry; (entry = readdir(threads)) != NULL;) {
        char path[300], state = 0;
        snprintf(path, sizeof path, "/proc/self/task/%s/stat", entry->d_name);
        FILE *file = atoi(entry->d_name) != getpid() ? fopen(path, "r") : NULL;
        if (file != NULL) {
            found += fscanf(file, "%*d (%*[^)]) %c", &state) == 1 && state == 'R';
            fclose(file);
        }
    }
    closedir(threads);
    return found;
}

int main(int count, char **arguments)
{
    CHECK(count == 5);
    long long milliseconds = atoll(arguments[4]);
    PactTelemetry *client = client_with("");
    pthread_t thread;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &begin) == 0);
    CHECK(pthread_create(&thread, NULL, make_a_file, arguments[2]) == 0);
    CHECK_STATUS(pact_telemetry_track(client, "numbered", "ProviderTest", "Completed", atoll(arguments[1]), NULL, NULL),
                 PACT_TELEMETRY_OK);
    struct timespec pause = {0, 50000};
    while (milliseconds == 0 ? !has_batch(arguments[3]) : nanoseconds() < milliseconds * 1000000) {
        nanosleep(&pause, NULL);
    }
    printf("%lld\n", milliseconds == 0 ? nanoseconds() : threads_that_could_run());
    fflush(stdout);
    if (milliseconds == 0) {
        CHECK(pthread_join(thread, NULL) == 0);
        return 0;
    }
    return kill(getpid(), SIGKILL);
}
