package au.com.dius.pact.telemetry;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The end of a wait that began when this was made. */
final class Deadline {
  /** The longest that goes into a uint32_t: 49 days. */
  private static final Duration LONGEST = Duration.ofMillis(0xFFFF_FFFFL);

  private final long start = System.nanoTime();
  private final Duration timeout;

  private Deadline(Duration timeout) {
    this.timeout = timeout;
  }

  /** In so much time from now; null is the default, and what no wait can be is its nearest. */
  static Deadline in(@Nullable Duration timeout) {
    Duration wanted = timeout == null ? Telemetry.DEFAULT_TIMEOUT : timeout;
    if (wanted.isNegative()) {
      return new Deadline(Duration.ZERO);
    }
    return new Deadline(wanted.compareTo(LONGEST) > 0 ? LONGEST : wanted);
  }

  /** What is left, as a uint32_t. */
  int millis() {
    return (int) millisLeft();
  }

  private long millisLeft() {
    Duration left = timeout.minusNanos(System.nanoTime() - start);
    return left.isNegative() ? 0 : left.toMillis();
  }

  /**
   * Waits for a notification of a monitor that the caller holds. An interrupt does not end the
   * wait, which is short; it is kept for the caller.
   *
   * @return false if the time is over
   */
  boolean await(Object monitor) {
    boolean interrupted = false;
    try {
      while (true) {
        long left = millisLeft();
        if (left == 0) {
          return false;
        }
        try {
          monitor.wait(left);
          return true;
        } catch (InterruptedException again) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
