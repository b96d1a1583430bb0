package au.com.dius.pact.telemetry;

/** The state of a client. */
public enum State {
  /** The native library is being loaded. Events are accepted meanwhile. */
  LOADING("loading"),
  /** Events are accepted. */
  ENABLED("enabled"),
  /** The person opted out, or the host program turned the client off. */
  DISABLED("disabled"),
  /** Google's endpoint needs credentials, and none were given or built in. */
  NOT_CONFIGURED("not configured"),
  /** The client was closed. */
  CLOSED("closed"),
  /** The client cannot work: {@link Telemetry#unavailableReason()} says why. */
  UNAVAILABLE("unavailable"),
  /** A state of a newer native library. */
  UNKNOWN("unknown");

  final String key;

  State(String key) {
    this.key = key;
  }

  static State of(Object key) {
    for (State state : values()) {
      if (state.key.equals(key)) {
        return state;
      }
    }
    return UNKNOWN;
  }
}
