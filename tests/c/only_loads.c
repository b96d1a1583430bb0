/* Loads the library and calls only pact_telemetry_version(). */
#include "check.h"

int main(void)
{
    CHECK(pact_telemetry_version()[0] != '\0');
    return 0;
}
