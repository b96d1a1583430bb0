package au.com.dius.pact.telemetry;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The deadline of a wait that begins when this object is made. */
final class Deadline {
  /** The longest time that fits into a uint32_t: 49 days. */
  private static final Duration LONGEST = Duration.ofMillis(0xFFFF_FFFFL);

  private final long start = System.nanoTime();
  private final Duration timeout;

  private Deadline(Duration timeout) {
    this.timeout = timeout;
  }

  /**
   * Starts now. Null is the default; a time that is too long or below zero becomes the nearest
   * limit.
   */
  static Deadline in(@Nullable Duration timeout) {
    Duration wanted = timeout == null ? Telemetry.DEFAULT_TIMEOUT : timeout;
    if (wanted.isNegative()) {
      return new Deadline(Duration.ZERO);
    }
    return new Deadline(wanted.compareTo(LONGEST) > 0 ? LONGEST : wanted);
  }

  /** The milliseconds that are left, as a uint32_t. */
  int millis() {
    return (int) millisLeft();
  }

  private long millisLeft() {
    Duration left = timeout.minusNanos(System.nanoTime() - start);
    return left.isNegative() ? 0 : roundedUp(left);
  }

  /**
   * The whole milliseconds, rounded up, so that a short wait is still a wait.
   *
   * @throws ArithmeticException if there are too many
   */
  static long roundedUp(Duration time) {
    return time.plusNanos(999_999).toMillis();
  }

  /**
   * Waits for a notification of a monitor that the caller holds. An interrupt does not end the
   * wait, which is short: the thread is interrupted again afterwards.
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
