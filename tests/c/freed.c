/* Frees its client, and looks at its threads when the library's exit handler has run. With any argument the server
 * does not take the event, which is kept for another attempt. */
#include "check.h"
#include <dirent.h>
#include <time.h>

static time_t end_of_main;

static time_t seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static int threads(void)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *task; tasks != NULL && (task = readdir(tasks)) != NULL;) {
        count += task->d_name[0] != '.';
    }
    closedir(tasks);
    return count;
}

static void look(void)
{
    CHECK(seconds() - end_of_main < 5); /* of the ten that the exit may take: there is nothing to wait for */
    /* A thread that has ended stands in /proc for a moment more. One that rests would stay for more than a second. */
    const struct timespec moment = {0, 1000000};
    for (int i = 0; i < 500 && threads() > 1; i++) {
        nanosleep(&moment, NULL);
    }
    CHECK(threads() == 1);
}

int main(int count, char **arguments)
{
    (void)arguments;
    const int32_t end = count > 1 ? PACT_TELEMETRY_KEPT : PACT_TELEMETRY_OK;
    CHECK(atexit(look) == 0); /* before the library registers its own, and so called after it */
    PactTelemetry *client = client_with("\"exit_timeout_ms\": 10000");
    CHECK_STATUS(track(client, "one event"), PACT_TELEMETRY_OK);
    CHECK_STATUS(pact_telemetry_close(client, 20000), end);
    CHECK(threads() > 1);
    pact_telemetry_free(client);
    end_of_main = seconds();
    return 0;
}
