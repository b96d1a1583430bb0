// libpact_telemetry: anonymous usage events of the Pact libraries.
//
// Generated from src/ffi by `make headers`; do not edit.
//
// Text is NUL-terminated UTF-8. What goes in is copied before a call returns; what comes out goes into the caller's
// buffer, is cut between characters if it does not fit, and is always terminated. Nothing but a client has to be freed.
// Every function may be called on any thread at any time (but pact_telemetry_free, which is last), never unwinds and
// never aborts. A host may ignore every status: telemetry is no reason to stop a test.
//
//     PactTelemetry *client = pact_telemetry_new(
//         "{\"library\": {\"id\": \"my-pact\", \"name\": \"My Pact\", \"version\": \"1.0.0\"}}", NULL, 0);
//     pact_telemetry_track(client, PACT_TELEMETRY_EVENT_PACTS_VERIFIED, PACT_TELEMETRY_CATEGORY_PROVIDER_TEST,
//                          PACT_TELEMETRY_ACTION_COMPLETED, 3, NULL, NULL);
//     pact_telemetry_close(client, 200);
//     pact_telemetry_free(client);


#ifndef PACT_TELEMETRY_H
#define PACT_TELEMETRY_H

#include <stdint.h>

// Names that Pact's libraries report. Any other event may be reported too.

// A run of consumer tests ended. Category `ConsumerTest`, action `Completed`, value: number of interactions.
#define PACT_TELEMETRY_EVENT_PACT_CONSUMER_TESTS_RAN "Pact consumer tests ran"

// A provider verification ended. Category `ProviderTest`, action `Completed`, value: number of results.
#define PACT_TELEMETRY_EVENT_PACTS_VERIFIED "Pacts verified"

// A plugin was loaded. Category `Plugin`, action `Loaded`, value 1, with the plugin's name and version.
#define PACT_TELEMETRY_EVENT_PLUGIN_LOADED "Plugin loaded"

// A mock server was started. Category `ConsumerTest`, action `MockServerStarted`, value 1.
#define PACT_TELEMETRY_EVENT_PACT_MOCK_SERVER_STARTED "Pact mock server started"

// Category of what a consumer's tests do.
#define PACT_TELEMETRY_CATEGORY_CONSUMER_TEST "ConsumerTest"

// Category of what a provider's tests do.
#define PACT_TELEMETRY_CATEGORY_PROVIDER_TEST "ProviderTest"

// Category of what plugins do.
#define PACT_TELEMETRY_CATEGORY_PLUGIN "Plugin"

// Action: a run came to its end.
#define PACT_TELEMETRY_ACTION_COMPLETED "Completed"

// Action: a plugin was loaded.
#define PACT_TELEMETRY_ACTION_LOADED "Loaded"

// Action: a mock server was started.
#define PACT_TELEMETRY_ACTION_MOCK_SERVER_STARTED "MockServerStarted"

// Data source: a command line tool.
#define PACT_TELEMETRY_DATA_SOURCE_CLI "cli"

// Data source: a library inside a person's tests. The default.
#define PACT_TELEMETRY_DATA_SOURCE_CLIENT "client"

// Data source: a Pact broker.
#define PACT_TELEMETRY_DATA_SOURCE_BROKER "broker"


// What a function answers. Zero: done. Positive: fine, but nothing was queued, or not everything arrived. Negative: an
// error of the caller's, a time-out, or a fault of the library's. Telemetry never has a reason to stop a test: a host
// may ignore all of them.
typedef enum PactTelemetryStatus {
    // Done.
    PACT_TELEMETRY_OK = 0,
    // Not queued: the person opted out, or the host turned telemetry off. `pact_telemetry_explain` names the rule.
    PACT_TELEMETRY_DISABLED = 1,
    // Not queued: no credentials were given or built in.
    PACT_TELEMETRY_NOT_CONFIGURED = 2,
    // Not queued: as many events as allowed wait already. The event is dropped and counted.
    PACT_TELEMETRY_QUEUE_FULL = 3,
    // Not queued: the client was closed.
    PACT_TELEMETRY_CLOSED = 4,
    // Nothing waits any more, but some of it was lost. `pact_telemetry_stats` says why.
    PACT_TELEMETRY_LOST = 5,
    // Nothing was lost, but some of it waits on disk for another attempt, of this process or of a later one.
    PACT_TELEMETRY_KEPT = 6,
    // A pointer that must not be NULL is NULL.
    PACT_TELEMETRY_ERROR_NULL = -1,
    // A text is not valid UTF-8.
    PACT_TELEMETRY_ERROR_UTF8 = -2,
    // A text that must not be empty is empty or blank.
    PACT_TELEMETRY_ERROR_EMPTY = -3,
    // A text is longer than its limit.
    PACT_TELEMETRY_ERROR_TOO_LONG = -4,
    // A text looks like a path, a URL, an e-mail or a network address, or holds a control character: never collected.
    PACT_TELEMETRY_ERROR_FORBIDDEN = -5,
    // A number is outside of its range.
    PACT_TELEMETRY_ERROR_RANGE = -6,
    // The time is over, and something still waits. The library goes on with it.
    PACT_TELEMETRY_ERROR_TIMEOUT = -7,
    // A fault of the library's. The host is unharmed.
    PACT_TELEMETRY_ERROR_INTERNAL = -8,
} PactTelemetryStatus;

// A client: who reports, with its settings and counters. Made by `pact_telemetry_new`, ended by `pact_telemetry_free`.
// All clients of a process share one sender. A client may be used after `fork` in the child, whose counters start at
// zero.
typedef struct PactTelemetry PactTelemetry;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The number of the ABI. A caller that was written for another number must not use the library.
//
// Parameters: none.
// Returns: the major version, as in the soname.
// Threads: any, at any time.
// Blocking: never.
// Since: 1.0.
uint32_t pact_telemetry_abi_version(void);

// The version of the library, such as "1.4.2".
//
// Parameters: none.
// Returns: NUL-terminated UTF-8, valid for ever, owned by the library. Never NULL.
// Threads: any, at any time.
// Blocking: never.
// Since: 1.0.
const char *pact_telemetry_version(void);

// The name of a status, such as "PACT_TELEMETRY_OK", for a log.
//
// Parameters: status: any number.
// Returns: NUL-terminated UTF-8, valid for ever, owned by the library; "PACT_TELEMETRY_UNKNOWN" for a number that this
// version does not know. Never NULL.
// Threads: any, at any time.
// Blocking: never.
// Since: 1.0.
const char *pact_telemetry_status_name(int32_t status);

// Makes a client from a config. Starts nothing: no thread, no socket, no file before the first event that is accepted,
// and none at all while the person has opted out.
//
// Parameters: config_json: a JSON object, NUL-terminated UTF-8, at most 65,536 bytes; must not be NULL; copied. Its keys
// are in docs/config.md; `library` {`id`, `name`, `version`} is required, an unknown key is ignored (and named by
// `pact_telemetry_explain`), a wrong type is an error. error: the caller's buffer for a readable text in UTF-8 that says
// which key is wrong, what was found and what is allowed; may be NULL if error_capacity is 0. It is cut between
// characters and always terminated; on success it is set to "". error_capacity: its size in bytes.
// Returns: a client that the caller owns and gives back to `pact_telemetry_free`; NULL for a config that is wrong.
// Threads: any, at any time. The environment is read on the calling thread: the caller sees to it that no other thread
// changes it meanwhile (as for any getenv(3) of its own).
// Blocking: never on the network; one small file may be read.
// Since: 1.0.
struct PactTelemetry *pact_telemetry_new(const char *config_json,
                                         char *error,
                                         uint32_t error_capacity);

// Queues an event. All text is checked and copied before the call returns.
//
// Parameters: client: must not be NULL. event, category, action: NUL-terminated UTF-8, not blank, at most 500, 150 and
// 500 bytes; must not be NULL. A text that looks like a path, a URL, an e-mail or a network address is refused.
// value: a count that belongs to the event, zero or more. plugin_name, plugin_version: NUL-terminated UTF-8, at most
// 150 bytes; NULL or "" for none.
// Returns: PACT_TELEMETRY_OK if the event was queued; a positive status if it was not, for a reason that is fine; a
// negative one if it is not as it must be. Whatever is returned is counted, see `pact_telemetry_stats`.
// Threads: any, at any time. The environment is looked at on the calling thread, see `pact_telemetry_new`.
// Blocking: never. One allocation (a few more the first time that over 256 events wait), no lock, no system call (but to
// wake or start a sender that sleeps).
// Since: 1.0.
int32_t pact_telemetry_track(struct PactTelemetry *client,
                             const char *event,
                             const char *category,
                             const char *action,
                             int64_t value,
                             const char *plugin_name,
                             const char *plugin_version);

// Turns a client on or off for the host. Off: what waits is thrown away, an upload in flight that carries events of this
// client is cut, and nothing of it leaves after the call returns. On: the person's own choice still holds.
//
// Parameters: client: must not be NULL. enabled: 0 is off, anything else is on.
// Returns: PACT_TELEMETRY_OK, or a negative status.
// Threads: any, at any time.
// Blocking: never.
// Since: 1.0.
int32_t pact_telemetry_set_enabled(struct PactTelemetry *client,
                                   int32_t enabled);

// Would an event be queued now? Asks every rule anew.
//
// Parameters: client: must not be NULL.
// Returns: 1 if it would, 0 if not (opted out, turned off, not configured, closed), or a negative status.
// Threads: any, at any time. The environment is looked at on the calling thread, see `pact_telemetry_new`.
// Blocking: never.
// Since: 1.0.
int32_t pact_telemetry_is_enabled(const struct PactTelemetry *client);

// Tells as JSON whether the client is on, which rule decided, what each rule read, where events would go, and what
// the config had that is not known.
//
// Parameters: client: must not be NULL. out: the caller's buffer for NUL-terminated UTF-8; may be NULL if capacity is 0.
// The text is cut between characters if it does not fit, and always terminated. capacity: its size in bytes.
// Returns: the full length of the text in bytes without the NUL (so capacity must be larger), or a negative status.
// Threads: any, at any time. The environment is looked at on the calling thread, see `pact_telemetry_new`.
// Blocking: never on the network; one small file is read.
// Since: 1.0.
int32_t pact_telemetry_explain(const struct PactTelemetry *client,
                               char *out,
                               uint32_t capacity);

// Shows the request that would carry this event alone if it were sent now, made by the encoder that the sender uses:
// JSON with `method`, `url`, `content_type` and `body`, the exact bytes. Sends and keeps nothing, whatever the person
// decided.
//
// Parameters: client, event, category, action, value, plugin_name, plugin_version: as for `pact_telemetry_track`.
// out, capacity: as for `pact_telemetry_explain`.
// Returns: the full length of the text in bytes without the NUL, or a negative status, also for an event that
// `pact_telemetry_track` would not take.
// Threads: any, at any time.
// Blocking: never.
// Since: 1.0.
int32_t pact_telemetry_preview(const struct PactTelemetry *client,
                               const char *event,
                               const char *category,
                               const char *action,
                               int64_t value,
                               const char *plugin_name,
                               const char *plugin_version,
                               char *out,
                               uint32_t capacity);

// Tells as JSON what became of the client's events in this process: `accepted` = `delivered` + `queued` + the sum of
// `dropped` by reason, and `not_accepted` by reason.
//
// Parameters: client: must not be NULL. out, capacity: as for `pact_telemetry_explain`.
// Returns: the full length of the text in bytes without the NUL, or a negative status.
// Threads: any, at any time.
// Blocking: never.
// Since: 1.0.
int32_t pact_telemetry_stats(const struct PactTelemetry *client, char *out, uint32_t capacity);

// Puts everything that this client accepted before on disk, at once, and waits until it is there. Waits for no server.
// For a host that ends without ceremony, such as a worker that is killed: what is on disk, the next process sends.
//
// Parameters: client: must not be NULL. timeout_ms: the longest wait in milliseconds; 0 asks without waiting.
// Returns: PACT_TELEMETRY_OK if nothing of it waits any more; PACT_TELEMETRY_KEPT if it waits on disk, for this process or
// a later one; PACT_TELEMETRY_LOST if some of it was lost meanwhile; PACT_TELEMETRY_ERROR_TIMEOUT if the time is over, or if
// it waits in memory alone because no disk takes it; or another negative status.
// Threads: any, at any time.
// Blocking: at most timeout_ms.
// Since: 1.0.
int32_t pact_telemetry_persist(struct PactTelemetry *client,
                               uint32_t timeout_ms);

// Has everything sent that this client queued before, at once, and waits until it is settled.
//
// Parameters: client: must not be NULL. timeout_ms: the longest wait in milliseconds; 0 asks without waiting.
// Returns: of what waited when it was called: PACT_TELEMETRY_OK if all was delivered (or nothing waited),
// PACT_TELEMETRY_LOST if some was lost, PACT_TELEMETRY_ERROR_TIMEOUT if some still waits (the sender goes on with it); or
// another negative status.
// Threads: any, at any time.
// Blocking: at most timeout_ms, also when a server hangs.
// Since: 1.0.
int32_t pact_telemetry_flush(struct PactTelemetry *client,
                             uint32_t timeout_ms);

// Takes no more events, and flushes. Closing again is allowed and waits for what is left.
//
// Parameters: client: must not be NULL. timeout_ms: the longest wait in milliseconds; 0 does not wait.
// Returns: as for `pact_telemetry_flush`.
// Threads: any, at any time.
// Blocking: at most timeout_ms, also when a server hangs.
// Since: 1.0.
int32_t pact_telemetry_close(struct PactTelemetry *client, uint32_t timeout_ms);

// Gives a client back. What it queued stays with the sender: nothing is lost by this call.
//
// Parameters: client: NULL is allowed and does nothing. Must not be used afterwards, nor by another thread meanwhile.
// Returns: nothing.
// Threads: any, as the last call with this client.
// Blocking: never.
// Since: 1.0.
void pact_telemetry_free(struct PactTelemetry *client);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* PACT_TELEMETRY_H */
