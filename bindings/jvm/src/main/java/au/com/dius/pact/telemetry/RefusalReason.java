package au.com.dius.pact.telemetry;

/** Why an event was not accepted. */
public enum RefusalReason {
  /** The person opted out, or the host program turned the client off. */
  DISABLED("disabled"),
  /** Google's endpoint needs credentials, and none were given or built in. */
  NOT_CONFIGURED("not_configured"),
  /** The queue was full. */
  QUEUE_FULL("queue_full"),
  /** The client was closed. */
  CLOSED("closed"),
  /** A text or the value was invalid. */
  INVALID("invalid"),
  /** The client cannot work. */
  UNAVAILABLE("unavailable"),
  /** The sum of all reasons that only a newer native library has. */
  UNKNOWN("unknown");

  final String key;

  RefusalReason(String key) {
    this.key = key;
  }
}
