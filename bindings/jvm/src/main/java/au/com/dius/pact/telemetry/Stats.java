package au.com.dius.pact.telemetry;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The counters of a client in this process. They are complete in every state. Without the native
 * library the numbers are those of this package alone. At any moment {@code accepted} is {@code
 * delivered + unconfirmed + queued + spooled +} the sum of {@code dropped}.
 *
 * @param outcome {@link Outcome#OK}, or why the native library was not asked
 * @param reason why the native library was not asked, in words; null for {@code OK}
 * @param accepted events that were accepted
 * @param delivered events that a server has confirmed
 * @param unconfirmed events that were sent, but whose answer was not received; they are not sent
 *     again
 * @param queued events that wait in memory or are being sent
 * @param spooled events that wait on disk for another attempt
 * @param dropped events that were dropped, by reason; every reason has an entry
 * @param notAccepted events that were not accepted, by reason; every reason has an entry
 * @param lastFailure why the last request of the process failed; null after a success
 * @param leftByOthers what this process did with events that earlier processes had left
 * @param json the same as a JSON object, with the keys that a newer native library adds
 */
public record Stats(
    Outcome outcome,
    @Nullable String reason,
    long accepted,
    long delivered,
    long unconfirmed,
    long queued,
    long spooled,
    Map<DropReason, Long> dropped,
    Map<RefusalReason, Long> notAccepted,
    @Nullable String lastFailure,
    LeftByOthers leftByOthers,
    String json) {

  /**
   * What this process did with events that earlier processes had left.
   *
   * @param delivered how many were delivered
   * @param unconfirmed how many were sent, but their answer was not received
   * @param dropped how many were dropped
   */
  public record LeftByOthers(long delivered, long unconfirmed, long dropped) {}

  /**
   * The JSON text.
   *
   * @return {@link #json()}
   */
  @Override
  public String toString() {
    return json;
  }
}
