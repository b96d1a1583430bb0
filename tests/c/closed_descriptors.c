/* A host program that closes every descriptor, as a daemon does, and then opens files of its own, which get the numbers
 * that the library had. The files must contain only what the program wrote, and events must go on arriving. Arguments:
 * the milliseconds between an event and the closing, and how many files the program opens. */
#include "check.h"
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#define FILES_MAX 24
#define ROUNDS 4

static int is_open(int fd)
{
    return fcntl(fd, F_GETFD) != -1;
}

static void close_all(void)
{
    for (int fd = 3; fd < 256; fd++) {
        close(fd);
    }
}

int main(int count, char **arguments)
{
    CHECK(count == 3);
    long wait = strtol(arguments[1], NULL, 10);
    int files[FILES_MAX], open_files;
    char folder[] = "/tmp/pact-telemetry-host-XXXXXX", path[96], expected[128], found[256];
    open_files = (int)strtol(arguments[2], NULL, 10);
    CHECK(open_files <= FILES_MAX);
    CHECK(mkdtemp(folder) != NULL);
    PactTelemetry *client = client_with("");
    CHECK_STATUS(track(client, "before"), PACT_TELEMETRY_OK);
    CHECK_STATUS(pact_telemetry_flush(client, 20000), PACT_TELEMETRY_OK);
    for (int round = 0; round < ROUNDS; round++) {
        struct timespec time;
        CHECK_STATUS(track(client, "in between"), PACT_TELEMETRY_OK);
        time.tv_sec = 0;
        time.tv_nsec = wait * 1000000L;
        nanosleep(&time, NULL);
        close_all();
        for (int at = 0; at < open_files; at++) {
            snprintf(path, sizeof path, "%s/%d-%d", folder, round, at);
            files[at] = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
            CHECK(files[at] >= 3);
        }
        CHECK_STATUS(track(client, "after"), PACT_TELEMETRY_OK);
        for (int at = 0; at < open_files; at++) {
            int length = snprintf(expected, sizeof expected, "the host's own file %d of round %d", at, round);
            CHECK(write(files[at], expected, (size_t)length) == length);
        }
        int32_t status = pact_telemetry_flush(client, 20000);
        CHECK(status == PACT_TELEMETRY_OK || status == PACT_TELEMETRY_KEPT);
        check_counters_of(client);
        for (int at = 0; at < open_files; at++) {
            int length = snprintf(expected, sizeof expected, "the host's own file %d of round %d", at, round);
            if (!is_open(files[at])) {
                printf("round %d: descriptor %d of the host program was closed\n", round, files[at]);
                CHECK(0);
            }
            ssize_t size = pread(files[at], found, sizeof found - 1, 0);
            if (size < 0) {
                perror("the host reads its own file");
                CHECK(0);
            }
            found[size] = '\0';
            if (size != length || strcmp(found, expected) != 0) {
                printf("round %d, descriptor %d: %s\n", round, files[at], found);
                CHECK(0);
            }
        }
    }
    /* What failed meanwhile is tried again within 10 s, then 20 s. */
    char stats[2048];
    for (int times = 0; times < 450; times++) {
        struct timespec time;
        read_stats(client, stats, sizeof stats);
        check_counters(stats);
        if (number_of(stats, "delivered") == 1 + 2 * ROUNDS) {
            break;
        }
        time.tv_sec = 0;
        time.tv_nsec = 100000000L;
        nanosleep(&time, NULL);
    }
    printf("%s\n", stats);
    CHECK_COUNT(number_of(stats, "delivered"), 1 + 2 * ROUNDS);
    for (int round = 0; round < ROUNDS; round++) {
        for (int at = 0; at < open_files; at++) {
            snprintf(path, sizeof path, "%s/%d-%d", folder, round, at);
            unlink(path);
        }
    }
    rmdir(folder);
    return 0;
}
