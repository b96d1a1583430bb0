/**
 * @file
 * @brief Anonymous usage events of the Pact libraries.
 *
 * Generated from src/ffi by `make headers`. Do not edit.
 *
 * All text is NUL-terminated UTF-8. The library copies input text before a call returns. It writes output text into the
 * caller's buffer, cuts it between characters if it does not fit, and always terminates it. The only object that the
 * caller has to release is a client.
 *
 * Every function may be called on any thread at any time, except pact_telemetry_free(), which is the last call with its
 * client. No function unwinds or aborts. A host program may ignore every status: telemetry is no reason to stop a test.
 *
 * @code{.c}
 * PactTelemetry *client = pact_telemetry_new(
 *     "{\"library\": {\"id\": \"my-pact\", \"name\": \"My Pact\", \"version\": \"1.0.0\"}}", NULL, 0);
 * pact_telemetry_track(client, PACT_TELEMETRY_EVENT_PACTS_VERIFIED, PACT_TELEMETRY_CATEGORY_PROVIDER_TEST,
 *                      PACT_TELEMETRY_ACTION_COMPLETED, 3, NULL, NULL);
 * pact_telemetry_close(client, 200);
 * pact_telemetry_free(client);
 * @endcode
 */
