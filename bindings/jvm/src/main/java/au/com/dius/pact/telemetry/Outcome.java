package au.com.dius.pact.telemetry;

/** The result of a call. Telemetry is no reason to stop a test: every outcome may be ignored. */
public enum Outcome {
  /** Done. */
  OK(Native.OK),
  /** Not queued: the person opted out, or the host program turned telemetry off. */
  DISABLED(Native.DISABLED),
  /** Not queued: Google's endpoint needs credentials, and none were given or built in. */
  NOT_CONFIGURED(Native.NOT_CONFIGURED),
  /** Not queued: the queue is full, or there is no memory. */
  QUEUE_FULL(Native.QUEUE_FULL),
  /** Not done: the client was closed. */
  CLOSED(Native.CLOSED),
  /** Events were lost that no earlier call told of. {@link Telemetry#stats()} says why. */
  LOST(Native.LOST),
  /** Nothing was lost, but some events wait on disk for another attempt. */
  KEPT(Native.KEPT),
  /** A text that must not be null is null. */
  ERROR_NULL(Native.ERROR_NULL),
  /** A text is not valid UTF-8. */
  ERROR_UTF8(Native.ERROR_UTF8),
  /** A text that must not be empty is empty or blank. */
  ERROR_EMPTY(Native.ERROR_EMPTY),
  /** A text is longer than its limit. */
  ERROR_TOO_LONG(Native.ERROR_TOO_LONG),
  /**
   * A text looks like a path, a URL, an e-mail address or a network address, or it contains a
   * control character. Such text is never collected.
   */
  ERROR_FORBIDDEN(Native.ERROR_FORBIDDEN),
  /** A number is outside of its range. */
  ERROR_RANGE(Native.ERROR_RANGE),
  /** The time is over and some events still wait. The library goes on with them. */
  ERROR_TIMEOUT(Native.ERROR_TIMEOUT),
  /** The library or this package failed. The host program is unharmed. */
  ERROR_INTERNAL(Native.ERROR_INTERNAL),

  /** A text contains a NUL character or half a surrogate pair. Nothing was done. */
  INVALID(-1000),
  /** The client cannot work: {@link Telemetry#unavailableReason()} says why. */
  UNAVAILABLE(1000),

  /**
   * A positive status of a newer library, which is no error. {@link Telemetry#explain()} has its
   * name.
   */
  UNKNOWN(1001),
  /** A negative status of a newer library, which is an error. See {@link #UNKNOWN}. */
  UNKNOWN_ERROR(-1001);

  private static final Outcome[] VALUES = values();

  /** The status of the library. Numbers from 1000 up and from -1000 down belong to this package. */
  final int status;

  Outcome(int status) {
    this.status = status;
  }

  /**
   * Whether this is an error of the caller, a time-out, or an internal error.
   *
   * @return false for success, and for a reason that is no error, such as an opt-out
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
