package au.com.dius.pact.telemetry;

/** Why an event was not accepted. */
public enum RefusalReason {
  /** The person opted out, or the host program turned the client off. */
  DISABLED("disabled"),
  /** No credentials were given or built in. */
  NOT_CONFIGURED("not_configured"),
  /** As many events as allowed waited already. */
  QUEUE_FULL("queue_full"),
  /** The client was closed. */
  CLOSED("closed"),
  /** A text or the value was not as it must be. */
  INVALID("invalid"),
  /** The client cannot work. */
  UNAVAILABLE("unavailable"),
  /** Reasons of a newer native library, together. */
  UNKNOWN("unknown");

  final String key;

  RefusalReason(String key) {
    this.key = key;
  }
}
