/* Loads the library and asks for nothing but its version. */
#include "check.h"

int main(void)
{
    CHECK(pact_telemetry_version()[0] != '\0');
    return 0;
}
