/* Tracks one event for a server that hangs, and prints in milliseconds how long a call took, and its status.
 * Arguments: `flush` or `close` (with 300 ms), or `off` (turns the client off after such a flush, prints how long
 * that took and what a second flush said); the endpoint, or `connect` for one that drops every connection. */
#include "check.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Whether a connection to this address is still not established after 100 ms. Leaves it open. */
static int is_dropped(const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CHECK(fd >= 0);
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0) {
        return 0;
    }
    CHECK(errno == EINPROGRESS);
    struct pollfd waiting;
    waiting.fd = fd;
    waiting.events = POLLOUT;
    waiting.revents = 0;
    return poll(&waiting, 1, 100) == 0;
}

/* The port of a listener that accepts nothing and whose queue is full, so that the system drops further connections. */
static int full_listener(void)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(fd >= 0);
    CHECK(bind(fd, (const struct sockaddr *)&address, sizeof address) == 0);
    CHECK(listen(fd, 0) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&address, &length) == 0);
    int tries = 0;
    while (!is_dropped(&address)) {
        CHECK(++tries < 64);
    }
    return ntohs(address.sin_port);
}

static double milliseconds(void)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

int main(int count, char **arguments)
{
    char config[512], endpoint[256];
    CHECK(count == 3);
    snprintf(endpoint, sizeof endpoint, "%s", arguments[2]);
    if (strcmp(arguments[2], "connect") == 0) {
        snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%d", full_listener());
    }
    snprintf(config, sizeof config, "\"endpoint\": \"%s\", \"exit_timeout_ms\": 0", endpoint);
    PactTelemetry *client = client_with(config);
    CHECK_STATUS(track(client, "too slow"), PACT_TELEMETRY_OK);

    double before = milliseconds();
    int32_t status =
        strcmp(arguments[1], "close") == 0 ? pact_telemetry_close(client, 300) : pact_telemetry_flush(client, 300);
    double took = milliseconds() - before;
    if (strcmp(arguments[1], "off") == 0) {
        CHECK_STATUS(status, PACT_TELEMETRY_ERROR_TIMEOUT);
        before = milliseconds();
        CHECK_STATUS(pact_telemetry_set_enabled(client, 0), PACT_TELEMETRY_OK);
        took = milliseconds() - before;
        status = pact_telemetry_flush(client, 2000);
        CHECK_COUNT(count_of(client, "opted_out"), 1);
    }
    check_counters_of(client);
    printf("%.3f %s %d %d\n", took, pact_telemetry_status_name(status), (int)count_of(client, "opted_out"),
           (int)count_of(client, "delivered"));
    return 0;
}
