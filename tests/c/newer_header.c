/* Written for a newer library, whose header declares pact_telemetry_newer. With LOOK_UP it looks the function up by
 * name, as every binding does. Otherwise it is linked with it. */
#include "check.h"
#include <dlfcn.h>

int main(void)
{
    PactTelemetry *client = client_with("");
    CHECK(pact_telemetry_abi_version() == 1);
#ifdef LOOK_UP
    CHECK(dlsym(RTLD_DEFAULT, "pact_telemetry_track") != NULL);
    CHECK(dlsym(RTLD_DEFAULT, "pact_telemetry_newer") == NULL);
#else
    pact_telemetry_newer(client);
#endif
    CHECK(strcmp(pact_telemetry_status_name(77), "PACT_TELEMETRY_UNKNOWN") == 0);
    CHECK_STATUS(track(client, "one event"), PACT_TELEMETRY_OK);
    CHECK_STATUS(pact_telemetry_close(client, 20000), PACT_TELEMETRY_OK);
    pact_telemetry_free(client);
    return 0;
}
