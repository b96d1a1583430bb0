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


#ifndef PACT_TELEMETRY_H
#define PACT_TELEMETRY_H

#include <stdint.h>

/** The number of the ABI that this header declares, see pact_telemetry_abi_version(). */
#define PACT_TELEMETRY_ABI_VERSION 1

/** The major version of this header. */
#define PACT_TELEMETRY_VERSION_MAJOR 1

/** The minor version of this header. */
#define PACT_TELEMETRY_VERSION_MINOR 0

/** The patch version of this header. */
#define PACT_TELEMETRY_VERSION_PATCH 0

/** The version of this header; pact_telemetry_version() returns that of the library. */
#define PACT_TELEMETRY_VERSION "1.0.0-alpha.1"

/**
 * @name Names that the Pact libraries report
 * Any other event may be reported too.
 * @{
 */

/** A run of consumer tests ended. Category `ConsumerTest`, action `Completed`, value: number of interactions. */
#define PACT_TELEMETRY_EVENT_PACT_CONSUMER_TESTS_RAN "Pact consumer tests ran"

/** A provider verification ended. Category `ProviderTest`, action `Completed`, value: number of results. */
#define PACT_TELEMETRY_EVENT_PACTS_VERIFIED "Pacts verified"

/** A plugin was loaded. Category `Plugin`, action `Loaded`, value 1, with the plugin's name and version. */
#define PACT_TELEMETRY_EVENT_PLUGIN_LOADED "Plugin loaded"

/** A mock server was started. Category `ConsumerTest`, action `MockServerStarted`, value 1. */
#define PACT_TELEMETRY_EVENT_PACT_MOCK_SERVER_STARTED "Pact mock server started"

/** Category of what a consumer's tests do. */
#define PACT_TELEMETRY_CATEGORY_CONSUMER_TEST "ConsumerTest"

/** Category of what a provider's tests do. */
#define PACT_TELEMETRY_CATEGORY_PROVIDER_TEST "ProviderTest"

/** Category of what plugins do. */
#define PACT_TELEMETRY_CATEGORY_PLUGIN "Plugin"

/** Action: a run came to its end. */
#define PACT_TELEMETRY_ACTION_COMPLETED "Completed"

/** Action: a plugin was loaded. */
#define PACT_TELEMETRY_ACTION_LOADED "Loaded"

/** Action: a mock server was started. */
#define PACT_TELEMETRY_ACTION_MOCK_SERVER_STARTED "MockServerStarted"

/** Data source: a command line tool. */
#define PACT_TELEMETRY_DATA_SOURCE_CLI "cli"

/** Data source: a library inside a person's tests. The default. */
#define PACT_TELEMETRY_DATA_SOURCE_CLIENT "client"

/** Data source: a Pact broker. */
#define PACT_TELEMETRY_DATA_SOURCE_BROKER "broker"

/** @} */


/**
 * The status that a function returns.
 *
 * Zero is success. A positive number is no error, but no event was queued, or not every event arrived. A negative
 * number is an error of the caller, a timeout, or an internal error. A host program may ignore them all.
 */
typedef enum PactTelemetryStatus {
    /**
     * Success.
     */
    PACT_TELEMETRY_OK = 0,
    /**
     * Not queued: the person opted out, or the host program turned telemetry off. pact_telemetry_explain() names the
     * rule.
     */
    PACT_TELEMETRY_DISABLED = 1,
    /**
     * Not queued: Google's endpoint needs credentials, and there are none in the config, the environment or the build.
     */
    PACT_TELEMETRY_NOT_CONFIGURED = 2,
    /**
     * Not queued: the queue is full, or there is no memory. The event is dropped and counted.
     */
    PACT_TELEMETRY_QUEUE_FULL = 3,
    /**
     * Not queued: the client is closed.
     */
    PACT_TELEMETRY_CLOSED = 4,
    /**
     * Some events were lost that no earlier call told of. pact_telemetry_stats() tells why.
     */
    PACT_TELEMETRY_LOST = 5,
    /**
     * No event was lost, but some wait on disk for another attempt, of this process or of a later one.
     */
    PACT_TELEMETRY_KEPT = 6,
    /**
     * A pointer that must not be NULL is NULL.
     */
    PACT_TELEMETRY_ERROR_NULL = -1,
    /**
     * A text is not valid UTF-8.
     */
    PACT_TELEMETRY_ERROR_UTF8 = -2,
    /**
     * A text that must not be empty is empty or blank.
     */
    PACT_TELEMETRY_ERROR_EMPTY = -3,
    /**
     * A text is longer than its limit.
     */
    PACT_TELEMETRY_ERROR_TOO_LONG = -4,
    /**
     * A text looks like a path, a URL, an e-mail address or a network address, or it contains a control character.
     * Such text is never collected.
     */
    PACT_TELEMETRY_ERROR_FORBIDDEN = -5,
    /**
     * A number is outside its range.
     */
    PACT_TELEMETRY_ERROR_RANGE = -6,
    /**
     * The time is over and some events still wait, or some wait in memory alone because no disk takes them. The
     * library goes on with them until the process exits.
     */
    PACT_TELEMETRY_ERROR_TIMEOUT = -7,
    /**
     * The library failed, or there is no memory for the answer. The host program is unharmed.
     */
    PACT_TELEMETRY_ERROR_INTERNAL = -8,
} PactTelemetryStatus;

/**
 * A client: the library that reports, with its settings and counters.
 *
 * pact_telemetry_new() makes a client and pact_telemetry_free() releases it. All clients of a process share one
 * pipeline with two background threads, which end after about two quiet seconds; the next event starts them again.
 * After `fork`, the child may go on using the client; its counters start at zero there.
 */
typedef struct PactTelemetry PactTelemetry;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Returns the number of the ABI.
 *
 * A program must not use a library whose number differs from the #PACT_TELEMETRY_ABI_VERSION it was compiled with.
 *
 * @return The major version, which is also the number in the soname.
 * @par Threads
 * Any thread, at any time.
 * @par Blocking
 * Never.
 * @since 1.0
 */
uint32_t pact_telemetry_abi_version(void);

/**
 * Returns the version of the library, such as "1.4.2".
 *
 * @return NUL-terminated UTF-8 that is valid for the life of the process and owned by the library. Never NULL.
 * @par Threads
 * Any thread, at any time.
 * @par Blocking
 * Never.
 * @since 1.0
 */
const char *pact_telemetry_version(void);

/**
 * Returns the name of a status, such as "PACT_TELEMETRY_OK", for a log.
 *
 * @param status Any number.
 * @return NUL-terminated UTF-8 that is valid for the life of the process and owned by the library. Never NULL. It is
 *     "PACT_TELEMETRY_UNKNOWN" for a number that this version does not know.
 * @par Threads
 * Any thread, at any time.
 * @par Blocking
 * Never.
 * @since 1.0
 */
const char *pact_telemetry_status_name(int32_t status);

/**
 * Makes a client from a config.
 *
 * This call opens no socket and writes no file. It starts a background thread only if events of an earlier process
 * wait for the same destination. Otherwise the first accepted event starts the threads. Nothing does while the person
 * has opted out.
 *
 * In a process with more rights than the person who started it (set-user-ID), and in a program that is linked
 * statically with glibc and loads this library, the client is disabled for good: it takes no setting from the
 * environment, accepts no event, and pact_telemetry_explain() names the reason.
 *
 * @param config_json A JSON object in NUL-terminated UTF-8, at most 65,536 bytes. Must not be NULL. It is copied.
 *     docs/config.md lists its keys. `library` with `id`, `name` and `version` is required. An unknown key is ignored,
 *     and pact_telemetry_explain() names it. A wrong type is an error.
 * @param error The caller's buffer for an error text in NUL-terminated UTF-8, which says which key is wrong, what was
 *     found and what is allowed. A text that does not fit is cut between characters. On success the buffer holds "".
 *     May be NULL.
 * @param error_capacity The size of `error` in bytes. It is ignored if `error` is NULL.
 * @return A client that the caller owns and releases with pact_telemetry_free(). NULL if the config is wrong, if there
 *     is no memory, or after an internal error.
 * @par Threads
 * Any thread, at any time. The environment is read on the calling thread. With glibc, another thread may change it by
 * setenv(3) at the same time; elsewhere it must not, as for getenv(3).
 * @par Blocking
 * Never on the network. Unless the environment or the config already says "off", reads two small files, the person's
 * saved choice and the administrator's, and asks whether one more exists, the mark of events that wait.
 * @since 1.0
 */
struct PactTelemetry *pact_telemetry_new(const char *config_json, char *error, uint32_t error_capacity);

/**
 * Queues an event.
 *
 * All text is checked and copied before the call returns. A client that is off, not configured or closed does not look
 * at the text, and says so whatever the text is. pact_telemetry_stats() counts each call by its outcome.
 *
 * @param client The client. Must not be NULL.
 * @param event The name of the event in NUL-terminated UTF-8: not blank, at most 500 bytes. Must not be NULL.
 * @param category The category, in the same form: at most 150 bytes. Must not be NULL.
 * @param action The action, in the same form: at most 500 bytes. Must not be NULL.
 * @param value A number that belongs to the event, such as a count. Zero or more.
 * @param plugin_name The name of a plugin in NUL-terminated UTF-8, at most 150 bytes. NULL or "" for none.
 * @param plugin_version The version of that plugin, in the same form. NULL or "" for none.
 * @retval PACT_TELEMETRY_OK The event is queued.
 * @retval PACT_TELEMETRY_DISABLED Not queued: the person opted out, or the host program turned telemetry off.
 * @retval PACT_TELEMETRY_NOT_CONFIGURED Not queued: Google's endpoint needs credentials, and there are none.
 * @retval PACT_TELEMETRY_QUEUE_FULL Not queued: the queue is full, or there is no memory.
 * @retval PACT_TELEMETRY_CLOSED Not queued: the client is closed.
 * @retval PACT_TELEMETRY_ERROR_NULL `client`, `event`, `category` or `action` is NULL.
 * @retval PACT_TELEMETRY_ERROR_UTF8 A text is not valid UTF-8.
 * @retval PACT_TELEMETRY_ERROR_EMPTY `event`, `category` or `action` is empty or blank.
 * @retval PACT_TELEMETRY_ERROR_TOO_LONG A text is longer than its limit.
 * @retval PACT_TELEMETRY_ERROR_FORBIDDEN A text looks like a path, a URL, an e-mail address or a network address, or
 *     it contains a control character.
 * @retval PACT_TELEMETRY_ERROR_RANGE `value` is negative.
 * @retval PACT_TELEMETRY_ERROR_INTERNAL The library failed.
 * @par Threads
 * Any thread, at any time. The environment is read on the calling thread, see pact_telemetry_new().
 * @par Blocking
 * Never. The call makes one allocation (a few more when the queue first grows beyond 256 events), takes no lock, and
 * makes no system call, except to wake or to start a background thread, which only the first event of a process and an
 * event after a quiet second need. If the environment no longer says "off", it reads the saved choices once, as
 * pact_telemetry_new() does.
 * @since 1.0
 */
int32_t pact_telemetry_track(struct PactTelemetry *client,
                             const char *event,
                             const char *category,
                             const char *action,
                             int64_t value,
                             const char *plugin_name,
                             const char *plugin_version);

/**
 * Turns a client off, or on again, for the host program.
 *
 * Off: queued events are dropped, an upload in flight that carries events of this client is cut, and no event of this
 * client leaves after the call returns. On: the person's own choice still holds.
 *
 * @param client The client. Must not be NULL.
 * @param enabled 0 is off, any other number is on.
 * @retval PACT_TELEMETRY_OK The client is now off or on.
 * @retval PACT_TELEMETRY_ERROR_NULL `client` is NULL.
 * @retval PACT_TELEMETRY_ERROR_INTERNAL The library failed.
 * @par Threads
 * Any thread, at any time.
 * @par Blocking
 * Never.
 * @since 1.0
 */
int32_t pact_telemetry_set_enabled(struct PactTelemetry *client, int32_t enabled);

/**
 * Tells whether pact_telemetry_track() would queue an event now.
 *
 * @param client The client. Must not be NULL.
 * @retval 1 It would.
 * @retval 0 It would not: the person opted out, the host program turned the client off, there are no credentials, or
 *     the client is closed.
 * @retval PACT_TELEMETRY_ERROR_NULL `client` is NULL.
 * @retval PACT_TELEMETRY_ERROR_INTERNAL The library failed.
 * @par Threads
 * Any thread, at any time. The environment is read on the calling thread, see pact_telemetry_new().
 * @par Blocking
 * Never on the network. If the environment no longer says "off", it reads the saved choices once, as
 * pact_telemetry_new() does.
 * @since 1.0
 */
int32_t pact_telemetry_is_enabled(const struct PactTelemetry *client);

/**
 * Explains as JSON whether the client is on, and why.
 *
 * The object names the rule that decided, what each rule read, where events go, and the keys of the config that the
 * library does not know. docs/config.md describes each key.
 *
 * @param client The client. Must not be NULL.
 * @param out The caller's buffer for NUL-terminated UTF-8. A text that does not fit is cut between characters. May be
 *     NULL if `capacity` is 0.
 * @param capacity The size of `out` in bytes.
 * @return The full length of the text in bytes, without the NUL, or one of the negative numbers below. The text was
 *     cut if the length is not less than `capacity`.
 * @retval PACT_TELEMETRY_ERROR_NULL `client` is NULL, or `out` is NULL and `capacity` is not 0.
 * @retval PACT_TELEMETRY_ERROR_INTERNAL There is no memory for the text, or the library failed.
 * @par Threads
 * Any thread, at any time. The environment is read on the calling thread, see pact_telemetry_new().
 * @par Blocking
 * Never on the network. Reads three small files: the person's saved choice, the administrator's, and the record of the
 * notice.
 * @since 1.0
 */
int32_t pact_telemetry_explain(const struct PactTelemetry *client, char *out, uint32_t capacity);

/**
 * Shows the request that would carry this event alone if it were sent now.
 *
 * The encoder that sends events makes it. The result is a JSON object with `method`, `url`, `content_type` and `body`,
 * the exact bytes. Nothing is sent or kept, whatever the person decided.
 *
 * @param client The client. Must not be NULL.
 * @param event As for pact_telemetry_track().
 * @param category As for pact_telemetry_track().
 * @param action As for pact_telemetry_track().
 * @param value As for pact_telemetry_track().
 * @param plugin_name As for pact_telemetry_track().
 * @param plugin_version As for pact_telemetry_track().
 * @param out As for pact_telemetry_explain().
 * @param capacity As for pact_telemetry_explain().
 * @return The full length of the text in bytes, without the NUL, or one of the negative numbers below.
 * @retval PACT_TELEMETRY_ERROR_NULL `client`, `event`, `category` or `action` is NULL, or `out` is NULL and `capacity`
 *     is not 0.
 * @retval PACT_TELEMETRY_ERROR_UTF8 A text is not valid UTF-8.
 * @retval PACT_TELEMETRY_ERROR_EMPTY `event`, `category` or `action` is empty or blank.
 * @retval PACT_TELEMETRY_ERROR_TOO_LONG A text is longer than its limit.
 * @retval PACT_TELEMETRY_ERROR_FORBIDDEN A text looks like a path, a URL, an e-mail address or a network address, or
 *     it contains a control character.
 * @retval PACT_TELEMETRY_ERROR_RANGE `value` is negative.
 * @retval PACT_TELEMETRY_ERROR_INTERNAL There is no memory for the text, or the library failed.
 * @par Threads
 * Any thread, at any time.
 * @par Blocking
 * Never on the network. Reads two small files, the person's saved choice and the administrator's, and a third, the
 * random identifier, where one is used. Asks the system for the hostname.
 * @since 1.0
 */
int32_t pact_telemetry_preview(const struct PactTelemetry *client,
                               const char *event,
                               const char *category,
                               const char *action,
                               int64_t value,
                               const char *plugin_name,
                               const char *plugin_version,
                               char *out,
                               uint32_t capacity);

/**
 * Returns the counters of this client in this process as a JSON object.
 *
 * At every moment `accepted` = `delivered` + `unconfirmed` + `queued` + `spooled` + the sum of `dropped` by reason.
 * `not_accepted` counts, by reason, the calls that queued nothing. docs/config.md describes each key.
 *
 * @param client The client. Must not be NULL.
 * @param out As for pact_telemetry_explain().
 * @param capacity As for pact_telemetry_explain().
 * @return The full length of the text in bytes, without the NUL, or one of the negative numbers below.
 * @retval PACT_TELEMETRY_ERROR_NULL `client` is NULL, or `out` is NULL and `capacity` is not 0.
 * @retval PACT_TELEMETRY_ERROR_INTERNAL There is no memory for the text, or the library failed.
 * @par Threads
 * Any thread, at any time.
 * @par Blocking
 * Never.
 * @since 1.0
 */
int32_t pact_telemetry_stats(const struct PactTelemetry *client, char *out, uint32_t capacity);

/**
 * Puts every event that this client accepted before on disk, at once, and waits until it is there.
 *
 * The call waits for no server. It is for a process that ends abruptly, such as a worker that is killed: the next
 * process sends what is on disk.
 *
 * @param client The client. Must not be NULL.
 * @param timeout_ms The longest wait in milliseconds. 0 starts the work and does not wait for it.
 * @retval PACT_TELEMETRY_OK Every event is settled: none of them waits any more.
 * @retval PACT_TELEMETRY_KEPT No event was lost, and those that wait are on disk, for this process or a later one.
 * @retval PACT_TELEMETRY_LOST Events were lost that no earlier call of this function, pact_telemetry_flush() or
 *     pact_telemetry_close() told of. pact_telemetry_stats() tells why.
 * @retval PACT_TELEMETRY_ERROR_TIMEOUT The time is over, or an event waits in memory alone because no disk takes it.
 *     The library goes on with it until the process exits.
 * @retval PACT_TELEMETRY_ERROR_NULL `client` is NULL.
 * @retval PACT_TELEMETRY_ERROR_INTERNAL The library failed.
 * @par Threads
 * Any thread, at any time.
 * @par Blocking
 * At most `timeout_ms`.
 * @since 1.0
 */
int32_t pact_telemetry_persist(struct PactTelemetry *client, uint32_t timeout_ms);

/**
 * Sends every event that this client accepted before, at once, and waits until each one is settled or kept.
 *
 * @param client The client. Must not be NULL.
 * @param timeout_ms The longest wait in milliseconds. 0 starts the work and does not wait for it.
 * @retval PACT_TELEMETRY_OK Every event was delivered, or none was waiting.
 * @retval PACT_TELEMETRY_KEPT No event was lost, but some wait on disk for another attempt, of this process or of a
 *     later one: the server cannot be reached or asked for a pause, or the notice was not shown long enough ago.
 * @retval PACT_TELEMETRY_LOST Events were lost that no earlier call of pact_telemetry_persist(),
 *     pact_telemetry_flush() or pact_telemetry_close() told of. pact_telemetry_stats() tells why.
 * @retval PACT_TELEMETRY_ERROR_TIMEOUT The time is over and some events still wait, or some wait in memory alone
 *     because no disk takes them. The library goes on with them until the process exits.
 * @retval PACT_TELEMETRY_ERROR_NULL `client` is NULL.
 * @retval PACT_TELEMETRY_ERROR_INTERNAL The library failed.
 * @par Threads
 * Any thread, at any time.
 * @par Blocking
 * At most `timeout_ms`, even if a server does not answer. What this process has waited in vain since the last answer,
 * in pact_telemetry_flush() or pact_telemetry_close(), is taken off `timeout_ms`, and off the time that
 * its exit may take.
 * @since 1.0
 */
int32_t pact_telemetry_flush(struct PactTelemetry *client, uint32_t timeout_ms);

/**
 * Closes the client to further events, then does what pact_telemetry_flush() does.
 *
 * A client may be closed again. Each call waits for what is left.
 *
 * @param client The client. Must not be NULL.
 * @param timeout_ms The longest wait in milliseconds. 0 starts the work and does not wait for it.
 * @retval PACT_TELEMETRY_OK Every event was delivered, or none was waiting.
 * @retval PACT_TELEMETRY_KEPT No event was lost, but some wait on disk, see pact_telemetry_flush().
 * @retval PACT_TELEMETRY_LOST Events were lost that no earlier call of pact_telemetry_persist(),
 *     pact_telemetry_flush() or pact_telemetry_close() told of. pact_telemetry_stats() tells why.
 * @retval PACT_TELEMETRY_ERROR_TIMEOUT The time is over and some events still wait, or some wait in memory alone
 *     because no disk takes them. The library goes on with them until the process exits.
 * @retval PACT_TELEMETRY_ERROR_NULL `client` is NULL.
 * @retval PACT_TELEMETRY_ERROR_INTERNAL The library failed.
 * @par Threads
 * Any thread, at any time.
 * @par Blocking
 * At most `timeout_ms`, even if a server does not answer. What this process has waited in vain since the last answer,
 * in pact_telemetry_flush() or pact_telemetry_close(), is taken off `timeout_ms`, and off the time that
 * its exit may take.
 * @since 1.0
 */
int32_t pact_telemetry_close(struct PactTelemetry *client, uint32_t timeout_ms);

/**
 * Releases a client.
 *
 * No event is lost by this call: the background threads go on with those that wait.
 *
 * @param client The client, or NULL, which does nothing. No thread may use it during the call or afterwards.
 * @par Threads
 * Any thread, as the last call with this client.
 * @par Blocking
 * Never.
 * @since 1.0
 */
void pact_telemetry_free(struct PactTelemetry *client);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* PACT_TELEMETRY_H */
