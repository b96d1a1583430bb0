package au.com.dius.pact.telemetry;

/**
 * Mirrors the C header and nothing more: names, parameters and status codes are those of
 * include/pact_telemetry.h, where they are documented. A pointer is a {@code long}.
 */
interface Native {
  int ABI_VERSION = 1;

  int OK = 0;
  int DISABLED = 1;
  int NOT_CONFIGURED = 2;
  int QUEUE_FULL = 3;
  int CLOSED = 4;
  int LOST = 5;
  int KEPT = 6;
  int ERROR_NULL = -1;
  int ERROR_UTF8 = -2;
  int ERROR_EMPTY = -3;
  int ERROR_TOO_LONG = -4;
  int ERROR_FORBIDDEN = -5;
  int ERROR_RANGE = -6;
  int ERROR_TIMEOUT = -7;
  int ERROR_INTERNAL = -8;

  int pact_telemetry_abi_version();

  long pact_telemetry_version();

  long pact_telemetry_status_name(int status);

  long pact_telemetry_new(long configJson, long error, int errorCapacity);

  int pact_telemetry_track(
      long client,
      long event,
      long category,
      long action,
      long value,
      long pluginName,
      long pluginVersion);

  int pact_telemetry_set_enabled(long client, int enabled);

  int pact_telemetry_is_enabled(long client);

  int pact_telemetry_explain(long client, long out, int capacity);

  int pact_telemetry_preview(
      long client,
      long event,
      long category,
      long action,
      long value,
      long pluginName,
      long pluginVersion,
      long out,
      int capacity);

  int pact_telemetry_stats(long client, long out, int capacity);

  int pact_telemetry_persist(long client, int timeoutMs);

  int pact_telemetry_flush(long client, int timeoutMs);

  int pact_telemetry_close(long client, int timeoutMs);

  void pact_telemetry_free(long client);
}
