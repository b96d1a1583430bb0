/* Tracks an event, prints a line, and ends its main thread. The process goes on until its last thread ends. */
#include "check.h"
#include <pthread.h>

static PactTelemetry *client; /* never freed, and not on a stack that ends */

int main(void)
{
    client = client_with("");
    CHECK_STATUS(track(client, "before the main thread ends"), PACT_TELEMETRY_OK);
    printf("tracked\n");
    fflush(stdout);
    pthread_exit(NULL);
}
