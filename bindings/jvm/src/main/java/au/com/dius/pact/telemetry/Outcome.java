package au.com.dius.pact.telemetry;

/** What became of a call. Telemetry is no reason to stop a test: all of them may be ignored. */
public enum Outcome {
  /** Done. */
  OK(Native.OK),
  /** Not queued: the person opted out, or the host turned telemetry off. */
  DISABLED(Native.DISABLED),
  /** Not queued: no credentials were given or built in. */
  NOT_CONFIGURED(Native.NOT_CONFIGURED),
  /** Not queued: as many events as allowed wait already. */
  QUEUE_FULL(Native.QUEUE_FULL),
  /** Not done: the client was closed. */
  CLOSED(Native.CLOSED),
  /** Events were lost that no earlier call told of. {@link Telemetry#stats()} says why. */
  LOST(Native.LOST),
  /** Nothing was lost, but some of it waits on disk for another attempt. */
  KEPT(Native.KEPT),
  /** A text that must be there is null. */
  ERROR_NULL(Native.ERROR_NULL),
  /** A text is not valid UTF-8. */
  ERROR_UTF8(Native.ERROR_UTF8),
  /** A text that must not be empty is empty or blank. */
  ERROR_EMPTY(Native.ERROR_EMPTY),
  /** A text is longer than its limit. */
  ERROR_TOO_LONG(Native.ERROR_TOO_LONG),
  /** A text looks like a path, a URL, an e-mail or a network address: never collected. */
  ERROR_FORBIDDEN(Native.ERROR_FORBIDDEN),
  /** A number is outside of its range. */
  ERROR_RANGE(Native.ERROR_RANGE),
  /** The time is over, and something still waits. The library goes on with it. */
  ERROR_TIMEOUT(Native.ERROR_TIMEOUT),
  /** A fault of the library's or the binding's. The host is unharmed. */
  ERROR_INTERNAL(Native.ERROR_INTERNAL),

  /** A text holds a NUL character or half a surrogate pair, and was not handed on. */
  INVALID(-1000),
  /** Nothing is done: {@link Telemetry#unavailableReason()} says why. */
  UNAVAILABLE(1000),

  /**
   * A newer library's status that is fine, though not everything was delivered. {@link
   * Telemetry#explain()} has its name.
   */
  UNKNOWN(1001),
  /** A newer library's status that is an error. {@link Telemetry#explain()} has its name. */
  UNKNOWN_ERROR(-1001);

  private static final Outcome[] VALUES = values();

  /** The library's number; from 1000 on, either side, the binding's own. */
  final int status;

  Outcome(int status) {
    this.status = status;
  }

  /**
   * Whether the caller did something wrong, or time ran out, or something is broken.
   *
   * @return false for what is done and for what is fine
   */
  public boolean isError() {
    return status < 0;
  }

  static Outcome of(int status) {
    if (status == Native.OK) {
      return OK;
    }
    for (Outcome outcome : VALUES) {
      if (outcome.status == status && outcome.ordinal() < INVALID.ordinal()) {
        return outcome;
      }
    }
    return status > 0 ? UNKNOWN : UNKNOWN_ERROR;
  }
}
