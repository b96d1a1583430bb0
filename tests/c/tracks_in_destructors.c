/* Tracks an event in main, and one in each function that the exit of the process calls after the library's own exit
 * handler, because it was registered before: an exit handler, a destructor function of the program and, in C++, the
 * destructor of a static object. With any argument it ends by quick_exit, which calls none of these. */
#include "check.h"

static PactTelemetry *client = NULL;

static void track_last(const char *event)
{
    CHECK_STATUS(track(client, event), PACT_TELEMETRY_OK);
}

static void exit_handler(void)
{
    track_last("in an exit handler");
}

__attribute__((destructor)) static void destructor_function(void)
{
    track_last("in a destructor function");
}

#ifdef __cplusplus
static struct Static {
    ~Static() { track_last("in a static object"); }
} object;
#endif

int main(int count, char **arguments)
{
    (void)arguments;
    client = client_with("\"exit_timeout_ms\": 10000");
    CHECK(atexit(exit_handler) == 0);
    track_last("in main");
    if (count > 1) {
        quick_exit(0);
    }
    return 0;
}
