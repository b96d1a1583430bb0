package au.com.dius.pact.telemetry;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reports anonymous usage events of a Pact library.
 *
 * <pre>{@code
 * try (Telemetry telemetry = Telemetry.builder().library("pact-jvm", "Pact JVM", "4.7.0").build()) {
 *   telemetry.consumerTestsRan(3);
 * }
 * }</pre>
 *
 * <p>No method throws. None waits for the network, except {@link #flush(Duration)} and {@link
 * #close(Duration)}, for at most as long as they are told. A client may be used by any number of
 * threads. A client that cannot work (see {@link #unavailableReason()}) does nothing.
 *
 * <p>A separate thread, which the first client starts, loads the native library. Events that are
 * tracked meanwhile wait in memory, at most 1,024 of them, and go to the library when it is loaded.
 *
 * <p>A person opts out as with every Pact library (see the README), or by the system properties
 * {@code pact_do_not_track} and {@code PACT_DO_NOT_TRACK}. If the environment or a property opts
 * out from the start, the native library is not even loaded.
 */
public final class Telemetry implements AutoCloseable {
  /** How long {@link #flush()}, {@link #persist()} and {@link #close()} wait at most: 1 second. */
  public static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(1);

  /** The published names as C strings, encoded once. */
  private static final byte[] CONSUMER_TESTS_RAN =
      Utf8.constant(EventNames.EVENT_PACT_CONSUMER_TESTS_RAN);

  private static final byte[] PACTS_VERIFIED = Utf8.constant(EventNames.EVENT_PACTS_VERIFIED);
  private static final byte[] PLUGIN_LOADED = Utf8.constant(EventNames.EVENT_PLUGIN_LOADED);
  private static final byte[] MOCK_SERVER_STARTED =
      Utf8.constant(EventNames.EVENT_PACT_MOCK_SERVER_STARTED);
  private static final byte[] CONSUMER_TEST = Utf8.constant(EventNames.CATEGORY_CONSUMER_TEST);
  private static final byte[] PROVIDER_TEST = Utf8.constant(EventNames.CATEGORY_PROVIDER_TEST);
  private static final byte[] PLUGIN = Utf8.constant(EventNames.CATEGORY_PLUGIN);
  private static final byte[] COMPLETED = Utf8.constant(EventNames.ACTION_COMPLETED);
  private static final byte[] LOADED = Utf8.constant(EventNames.ACTION_LOADED);
  private static final byte[] STARTED = Utf8.constant(EventNames.ACTION_MOCK_SERVER_STARTED);

  final Session session;

  Telemetry(Session session) {
    this.session = session;
  }

  /**
   * Starts to build a client.
   *
   * @return a builder without options
   */
  public static TelemetryBuilder builder() {
    return new TelemetryBuilder();
  }

  /**
   * Queues an event.
   *
   * @param event what happened, such as {@code "Pacts verified"}; at most 500 bytes of UTF-8
   * @param category the kind of activity, such as {@code "ProviderTest"}; at most 150 bytes
   * @param action what was done, such as {@code "Completed"}; at most 500 bytes
   * @param value a count that belongs to the event, zero or more
   * @return {@link Outcome#OK} if the event was queued, otherwise the reason. While the native
   *     library is being loaded, {@code OK} means that the event waits for the library; {@link
   *     #stats()} tells later whether it was accepted
   */
  public Outcome track(String event, String category, String action, long value) {
    return track(event, category, action, value, null, null);
  }

  /**
   * Queues an event of a plugin.
   *
   * @param event as for {@link #track(String, String, String, long)}
   * @param category likewise
   * @param action likewise
   * @param value likewise
   * @param pluginName the plugin's name, at most 150 bytes; null for none
   * @param pluginVersion its version, at most 150 bytes; null for none
   * @return as for {@link #track(String, String, String, long)}
   */
  public Outcome track(
      String event,
      String category,
      String action,
      long value,
      @Nullable String pluginName,
      @Nullable String pluginVersion) {
    try {
      Outcome refusal = session.refusal();
      return refusal != null
          ? refusal
          : session.track(
              Utf8.of(event),
              Utf8.of(category),
              Utf8.of(action),
              value,
              Utf8.of(pluginName),
              Utf8.of(pluginVersion));
    } catch (Utf8.InvalidTextException invalid) {
      return session.invalid();
    } catch (Throwable fault) {
      return Outcome.ERROR_INTERNAL;
    }
  }

  /**
   * A run of consumer tests ended.
   *
   * @param interactions their number
   * @return as for {@link #track(String, String, String, long)}
   */
  public Outcome consumerTestsRan(long interactions) {
    return track(CONSUMER_TESTS_RAN, CONSUMER_TEST, COMPLETED, interactions);
  }

  /**
   * A provider verification ended.
   *
   * @param results their number
   * @return as for {@link #track(String, String, String, long)}
   */
  public Outcome pactsVerified(long results) {
    return track(PACTS_VERIFIED, PROVIDER_TEST, COMPLETED, results);
  }

  /**
   * A plugin was loaded.
   *
   * @param name the plugin's name; null for none
   * @param version its version; null for none
   * @return as for {@link #track(String, String, String, long)}
   */
  public Outcome pluginLoaded(@Nullable String name, @Nullable String version) {
    try {
      Outcome refusal = session.refusal();
      return refusal != null
          ? refusal
          : session.track(PLUGIN_LOADED, PLUGIN, LOADED, 1, Utf8.of(name), Utf8.of(version));
    } catch (Utf8.InvalidTextException invalid) {
      return session.invalid();
    } catch (Throwable fault) {
      return Outcome.ERROR_INTERNAL;
    }
  }

  /**
   * A mock server was started.
   *
   * @return as for {@link #track(String, String, String, long)}
   */
  public Outcome mockServerStarted() {
    return track(MOCK_SERVER_STARTED, CONSUMER_TEST, STARTED, 1);
  }

  private Outcome track(byte[] event, byte[] category, byte[] action, long value) {
    try {
      Outcome refusal = session.refusal();
      return refusal != null ? refusal : session.track(event, category, action, value, null, null);
    } catch (Throwable fault) {
      // Telemetry never breaks a test: nothing is thrown further, not even an OutOfMemoryError.
      return Outcome.ERROR_INTERNAL;
    }
  }

  /**
   * Puts every event that was tracked before on disk, within {@link #DEFAULT_TIMEOUT}.
   *
   * @return as for {@link #persist(Duration)}
   */
  public Outcome persist() {
    return persist(DEFAULT_TIMEOUT);
  }

  /**
   * Puts every event that was tracked before on disk. Waits for the native library to be loaded and
   * for the disk, but for no server. For programs that exit without running exit handlers, such as
   * by {@code Runtime.halt}.
   *
   * @param timeout the longest wait, in whole milliseconds; zero does not wait; null is the default
   * @return {@link Outcome#OK} if no event waits, {@link Outcome#KEPT} if those that wait are on
   *     disk, {@link Outcome#LOST} if events were lost, {@link Outcome#ERROR_TIMEOUT} if the time
   *     is over or no disk takes an event, {@link Outcome#CLOSED} if the client is closed
   */
  public Outcome persist(@Nullable Duration timeout) {
    try {
      return session.persist(Deadline.in(timeout));
    } catch (Throwable fault) {
      return Outcome.ERROR_INTERNAL;
    }
  }

  /**
   * Sends every event that was tracked before, within {@link #DEFAULT_TIMEOUT}.
   *
   * @return as for {@link #flush(Duration)}
   */
  public Outcome flush() {
    return flush(DEFAULT_TIMEOUT);
  }

  /**
   * Sends every event that was tracked before, at once, and waits for the answers.
   *
   * @param timeout the longest wait, in whole milliseconds; zero does not wait; null is the default
   * @return {@link Outcome#OK} if every event was delivered or none was waiting, {@link
   *     Outcome#KEPT} if some wait on disk for another attempt, {@link Outcome#LOST} if events were
   *     lost, {@link Outcome#ERROR_TIMEOUT} if the time is over, {@link Outcome#CLOSED} if the
   *     client is closed
   */
  public Outcome flush(@Nullable Duration timeout) {
    try {
      return session.flush(Deadline.in(timeout));
    } catch (Throwable fault) {
      return Outcome.ERROR_INTERNAL;
    }
  }

  /** Closes as {@link #close(Duration)} does, within {@link #DEFAULT_TIMEOUT}. */
  @Override
  public void close() {
    close(DEFAULT_TIMEOUT);
  }

  /**
   * Accepts no more events, then flushes. Any thread may call it, also while others track.
   *
   * @param timeout the longest wait, in whole milliseconds; zero does not wait; null is the default
   * @return as for {@link #flush(Duration)}; {@link Outcome#CLOSED} if it was closed before. The
   *     library goes on with the events that are left
   */
  public Outcome close(@Nullable Duration timeout) {
    try {
      return session.close(Deadline.in(timeout));
    } catch (Throwable fault) {
      return Outcome.ERROR_INTERNAL;
    }
  }

  /**
   * Tells whether an event would be accepted now. Waits for nothing. While the native library is
   * being loaded, the person's saved choice is not known yet.
   *
   * @return false also for a client that is closed or cannot work
   */
  public boolean isEnabled() {
    try {
      return session.isEnabled();
    } catch (Throwable fault) {
      return false;
    }
  }

  /**
   * Turns this client on or off for the host program. Off: the events that wait are dropped, and no
   * event leaves after the call returns. On: the person's own choice still holds.
   *
   * @param enabled whether to report
   * @return {@link Outcome#OK}, or why it could not be done
   */
  public Outcome setEnabled(boolean enabled) {
    try {
      return session.setEnabled(enabled);
    } catch (Throwable fault) {
      return Outcome.ERROR_INTERNAL;
    }
  }

  /**
   * Why this client does nothing, if it cannot work: wrong options, or no native library. Waits for
   * nothing.
   *
   * @return empty for a client that works, for one that is off and so needs no library, and while
   *     the library is being loaded
   */
  public Optional<String> unavailableReason() {
    return Optional.ofNullable(session.unavailableReason());
  }

  /**
   * Tells whether the client is on, which rule decided, what each rule read, and where events would
   * go. Waits up to {@link #DEFAULT_TIMEOUT} for the native library if it is being loaded, and
   * reads small files. While the client is off, the call does not load the library.
   *
   * @return the answer; every component is there in every state
   */
  public Explanation explain() {
    try {
      return Reports.explain(session, Deadline.in(DEFAULT_TIMEOUT));
    } catch (Throwable fault) {
      return Answers.explanation(
          Outcome.ERROR_INTERNAL,
          Loader.messageOf(fault),
          Answers.emptyExplanation(State.UNKNOWN),
          Answers.unknownJvm());
    }
  }

  /**
   * Returns the counters of this client in this process. Waits for nothing. After {@link
   * #close(Duration)} the numbers are those at the time of the close.
   *
   * @return the answer; every component is there in every state
   */
  public Stats stats() {
    try {
      return Reports.stats(session);
    } catch (Throwable fault) {
      return Answers.stats(Outcome.ERROR_INTERNAL, Loader.messageOf(fault), Answers.emptyStats());
    }
  }

  /**
   * Shows the request that would carry this event alone. Sends nothing. Waits as {@link #explain()}
   * does.
   *
   * @param event as for {@link #track(String, String, String, long, String, String)}
   * @param category likewise
   * @param action likewise
   * @param value likewise
   * @param pluginName likewise
   * @param pluginVersion likewise
   * @return the request, or why there is none
   */
  public Preview preview(
      String event,
      String category,
      String action,
      long value,
      @Nullable String pluginName,
      @Nullable String pluginVersion) {
    try {
      Event given = event(event, category, action, value, pluginName, pluginVersion);
      return Reports.preview(session, given, Deadline.in(DEFAULT_TIMEOUT));
    } catch (Throwable fault) {
      return Answers.preview(Outcome.ERROR_INTERNAL, Loader.messageOf(fault), Map.of());
    }
  }

  /** The event; null if a text is invalid. */
  private static @Nullable Event event(
      String event,
      String category,
      String action,
      long value,
      @Nullable String plugin,
      @Nullable String version) {
    try {
      return new Event(
          Utf8.of(event),
          Utf8.of(category),
          Utf8.of(action),
          value,
          Utf8.of(plugin),
          Utf8.of(version));
    } catch (Utf8.InvalidTextException invalid) {
      return null;
    }
  }
}
