package au.com.dius.pact.telemetry;

import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Collects the options of a client. The native library checks them when the client is made. For
 * every option null stands for the default. Not safe for use by several threads.
 */
public final class TelemetryBuilder {
  private final Map<String, @Nullable Object> options = new LinkedHashMap<>();
  private boolean needsAccess;

  TelemetryBuilder() {}

  /**
   * The library that reports. Required.
   *
   * @param id short name, such as {@code "pact-jvm"}, at most 150 bytes
   * @param name human-readable name, such as {@code "Pact JVM"}, at most 100 bytes
   * @param version its version, at most 100 bytes
   * @return this builder
   */
  public TelemetryBuilder library(String id, String name, String version) {
    Map<String, @Nullable Object> library = new LinkedHashMap<>();
    library.put("id", id);
    library.put("name", name);
    library.put("version", version);
    return option("library", library);
  }

  /**
   * The kind of program that reports.
   *
   * @param source {@link DataSource#CLIENT} by default
   * @return this builder
   */
  public TelemetryBuilder dataSource(@Nullable DataSource source) {
    return option("data_source", source == null ? null : source.key);
  }

  /**
   * The test framework, instead of the one that is found on the stack of {@link #build()}.
   *
   * @param framework such as {@code "JUnit 5"}, at most 150 bytes; null for none
   * @return this builder
   */
  public TelemetryBuilder testFramework(@Nullable String framework) {
    return option("test_framework", framework);
  }

  /**
   * The version of the platform, instead of Java's.
   *
   * @param version such as {@code "Kotlin 2.2.0"}, at most 150 bytes; null for none
   * @return this builder
   */
  public TelemetryBuilder platformVersion(@Nullable String version) {
    return option("platform_version", version);
  }

  /**
   * The host program's own switch, see {@link Telemetry#setEnabled(boolean)}.
   *
   * @param enabled whether to report; true does not overrule the person
   * @return this builder
   */
  public TelemetryBuilder enabled(boolean enabled) {
    return option("enabled", enabled);
  }

  /**
   * The format in which events are sent.
   *
   * @param protocol {@link Protocol#GA4} by default
   * @return this builder
   */
  public TelemetryBuilder protocol(@Nullable Protocol protocol) {
    return option("protocol", protocol == null ? null : protocol.key);
  }

  /**
   * Where events go.
   *
   * @param url {@code https}, or {@code http} with a loopback host
   * @return this builder
   */
  public TelemetryBuilder endpoint(@Nullable String url) {
    return option("endpoint", url);
  }

  /**
   * The credentials of a GA4 data stream, together with {@link #apiSecret(String)}.
   *
   * @param id such as {@code "G-1234567890"}
   * @return this builder
   */
  public TelemetryBuilder measurementId(@Nullable String id) {
    return option("measurement_id", id);
  }

  /**
   * The credentials of a GA4 data stream, together with {@link #measurementId(String)}.
   *
   * @param secret the secret of the stream
   * @return this builder
   */
  public TelemetryBuilder apiSecret(@Nullable String secret) {
    return option("api_secret", secret);
  }

  /**
   * The credentials of a Universal Analytics property.
   *
   * @param id such as {@code "UA-123456-1"}
   * @return this builder
   */
  public TelemetryBuilder trackingId(@Nullable String id) {
    return option("tracking_id", id);
  }

  /**
   * How many events of this client may wait in memory.
   *
   * @param events from 1 to 4096, which is the default
   * @return this builder
   */
  public TelemetryBuilder queueCapacity(int events) {
    return option("queue_capacity", events);
  }

  /**
   * The folder where events wait for another attempt, also of a later process.
   *
   * @param directory an absolute path
   * @return this builder
   */
  public TelemetryBuilder stateDir(@Nullable Path directory) {
    return option("state_dir", directory == null ? null : directory.toString());
  }

  /**
   * The longest time that the exit of the process waits for this client's events.
   *
   * @param timeout at most 10 seconds, rounded up to whole milliseconds; by default 100 ms, in CI
   *     500
   * @return this builder
   */
  public TelemetryBuilder exitTimeout(@Nullable Duration timeout) {
    return option("exit_timeout_ms", timeout == null ? null : millis(timeout));
  }

  private static long millis(Duration timeout) {
    try {
      return Deadline.roundedUp(timeout);
    } catch (ArithmeticException tooLong) {
      return Long.MAX_VALUE; // the native library refuses it, with a reason
    }
  }

  /**
   * Who shows the person the notice before anything leaves the machine.
   *
   * @param by {@link Notice#STDERR} by default
   * @return this builder
   */
  public TelemetryBuilder notice(@Nullable Notice by) {
    return option("notice", by == null ? null : by.key);
  }

  /**
   * What identifies the machine.
   *
   * @param id {@link MachineId#HOSTNAME} by default
   * @return this builder
   */
  public TelemetryBuilder id(@Nullable MachineId id) {
    return option("id", id == null ? null : id.key);
  }

  /**
   * Makes a client that works only if foreign calls are allowed without a warning: from Java 24 on
   * the JVM prints four lines on standard error at the first one, unless it was started with {@code
   * --enable-native-access}. Without that option, the client does nothing, and {@link
   * Telemetry#unavailableReason()} says how to change that.
   *
   * @return this builder
   */
  public TelemetryBuilder requireNativeAccess() {
    needsAccess = true;
    return this;
  }

  /**
   * Any option by its key in the native library's config, also one that is newer than this package.
   *
   * @param key such as {@code "queue_capacity"}
   * @param value a string, a number, a boolean, a list or a map of them, or null for the default
   * @return this builder
   */
  public TelemetryBuilder option(String key, @Nullable Object value) {
    options.put(key, value);
    return this;
  }

  /**
   * Makes the client. Never throws and waits for nothing. Wrong options, or any failure, make a
   * client that does nothing and says why. A separate thread loads the native library, if it is
   * needed and was not loaded before, and then ends.
   *
   * @return a new client; the builder may be used again
   */
  public Telemetry build() {
    try {
      Map<String, @Nullable Object> all = new LinkedHashMap<>(options);
      if (!all.containsKey("platform_version")) {
        all.put("platform_version", Identity.platformVersion());
      }
      if (!all.containsKey("test_framework")) {
        all.put("test_framework", Identity.testFramework());
      }
      Session session = new Session(all, needsAccess);
      if (session.isNeeded()) {
        session.open();
      }
      Telemetry telemetry = new Telemetry(session);
      Forgotten.watch(telemetry, session);
      Event.warmUp();
      return telemetry;
    } catch (Throwable fault) {
      return new Telemetry(Session.unavailable(Loader.messageOf(fault)));
    }
  }
}
