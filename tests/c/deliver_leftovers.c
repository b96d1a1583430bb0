/* Delivers what other processes left: tracks events of its own until no batch is left in a folder. Argument: the
 * folder. If the library that makes calls fail is preloaded, they fail. */
#include "check.h"
#include "faults.h"
#include <dirent.h>
#include <time.h>

static int batches_in(const char *path)
{
    int batches = 0;
    struct dirent *entry;
    DIR *folder = opendir(path);
    CHECK(folder != NULL);
    while ((entry = readdir(folder)) != NULL) {
        batches += strstr(entry->d_name, ".batch") != NULL && entry->d_name[0] != '.';
    }
    closedir(folder);
    return batches;
}

int main(int count, char **arguments)
{
    CHECK(count == 2);
    switch_faults(1);
    PactTelemetry *client = client_with("\"exit_timeout_ms\": 10000");
    for (int tries = 0; tries < 40; tries++) {
        CHECK_STATUS(track(client, "last"), PACT_TELEMETRY_OK);
        CHECK_STATUS(pact_telemetry_flush(client, 20000), PACT_TELEMETRY_OK);
        for (int times = 0; times < 100; times++) {
            if (batches_in(arguments[1]) == 0) {
                return 0;
            }
            struct timespec pause = {0, 5000000};
            nanosleep(&pause, NULL);
        }
    }
    printf("%d batches are left\n", batches_in(arguments[1]));
    return 1;
}
