/* Linked with two static archives, each with a Rust runtime of its own: both work, and a panic in the other one does
 * not reach this one. */
#include "check.h"

#ifdef __cplusplus
extern "C"
#endif
    int32_t
    other_answer(int32_t number);

int main(void)
{
    PactTelemetry *client = client_with("");
    for (int i = 0; i < 10; i++) {
        CHECK_COUNT(other_answer(i), 2 * i);
        CHECK_STATUS(track(client, "beside another"), PACT_TELEMETRY_OK);
    }
    CHECK_STATUS(pact_telemetry_close(client, 20000), PACT_TELEMETRY_OK);
    pact_telemetry_free(client);
    return 0;
}
