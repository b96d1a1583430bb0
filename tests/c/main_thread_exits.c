/* Tracks an event, says so, and ends its main thread while the process goes on. It ends when the last thread does. */
#include "check.h"
#include <pthread.h>

int main(void)
{
    PactTelemetry *client = client_with("");
    CHECK_STATUS(track(client, "before the main thread ends"), PACT_TELEMETRY_OK);
    printf("tracked\n");
    fflush(stdout);
    pthread_exit(NULL);
}
