package au.com.dius.pact.telemetry;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Answers a client's questions, in every state of its session. */
final class Reports {
  private static final String CLOSED = "the client is closed";
  private static final String LOADING = "the native library is still being loaded";

  private Reports() {}

  /** The outcome and the reason where the native client gave no answer. */
  private record Missing(Outcome outcome, @Nullable String reason) {}

  /** Why the session gave no answer. {@code before} is the state that it had before the call. */
  private static Missing missing(Session session, State before) {
    State now = session.state();
    if (now == State.ENABLED) {
      // The client was not open yet when it was asked, or it is being closed.
      now = before == State.LOADING ? State.LOADING : State.CLOSED;
    }
    return switch (now) {
      case CLOSED -> new Missing(Outcome.CLOSED, CLOSED);
      case UNAVAILABLE -> new Missing(Outcome.UNAVAILABLE, session.unavailableReason());
      case DISABLED -> new Missing(Outcome.DISABLED, "turned off by " + session.rule());
      default -> new Missing(Outcome.ERROR_TIMEOUT, LOADING);
    };
  }

  static Explanation explain(Session session, Deadline deadline) {
    session.awaitOpen(deadline);
    State before = session.state();
    Calls.Text text = session.ask(Calls::explain);
    if (text != null && text.text() != null) {
      Map<String, @Nullable Object> all = Answers.emptyExplanation(State.ENABLED);
      Answers.lay(all, Json.readObject(text.text()));
      String rule = session.rule();
      if ("host".equals(all.get("rule")) && rule != null) {
        all.put("rule", rule); // The library learns of a system property from this package.
      }
      return Answers.explanation(Outcome.OK, null, all, session.jvm());
    }
    Map<String, @Nullable Object> all = Answers.emptyExplanation(session.state());
    all.put("rule", session.state() == State.DISABLED ? session.rule() : null);
    Missing missing = missing(session, before);
    return Answers.explanation(missing.outcome(), missing.reason(), all, session.jvm());
  }

  static Stats stats(Session session) {
    Map<String, @Nullable Object> counters = session.counters();
    State before = session.state();
    boolean asked = session.ask((calls, client) -> true) != null;
    if (asked || before == State.LOADING) {
      return Answers.stats(Outcome.OK, null, counters); // While it is loading, all events are here.
    }
    Missing missing = missing(session, before);
    return Answers.stats(missing.outcome(), missing.reason(), counters);
  }

  /** {@code event} is null if one of its texts is invalid. */
  static Preview preview(Session session, @Nullable Event event, Deadline deadline) {
    session.awaitOpen(deadline);
    State before = session.state();
    Preview shown =
        session.ask(
            (calls, client) ->
                event == null ? refused(Outcome.INVALID) : shown(calls.preview(client, event)));
    if (shown != null) {
      return shown;
    }
    Missing missing = missing(session, before);
    return Answers.preview(missing.outcome(), missing.reason(), Map.of());
  }

  private static Preview shown(Calls.Text text) {
    return text.text() == null
        ? refused(Outcome.of(text.status()))
        : Answers.preview(Outcome.OK, null, Json.readObject(text.text()));
  }

  /** The preview of an event that would be refused. */
  private static Preview refused(Outcome outcome) {
    return Answers.preview(outcome, "the event would be refused: " + outcome, Map.of());
  }
}
