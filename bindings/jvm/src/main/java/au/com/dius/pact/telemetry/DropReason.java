package au.com.dius.pact.telemetry;

/** Why an accepted event was dropped. */
public enum DropReason {
  /** The person opted out, or the host program turned the client off, before it was sent. */
  OPTED_OUT("opted_out"),
  /** {@code PACT_TELEMETRY_DEBUG} is set: it was printed instead of sent. */
  DEBUG("debug"),
  /** The server refused it (status 4xx). */
  HTTP_STATUS("http_status"),
  /** It waited longer than 72 hours. */
  EXPIRED("expired"),
  /** The folder where events wait is full. */
  SPOOL_FULL("spool_full"),
  /** The notice could not be shown. */
  NO_NOTICE("no_notice"),
  /** It could not be written to disk, and the process exited. */
  NOT_PERSISTED("not_persisted"),
  /** A fault of the native library or of this package. */
  INTERNAL("internal"),
  /** It was accepted while the native library was being loaded, and loading failed. */
  UNAVAILABLE("unavailable"),
  /** The sum of all reasons that only a newer native library has. */
  UNKNOWN("unknown");

  final String key;

  DropReason(String key) {
    this.key = key;
  }
}
