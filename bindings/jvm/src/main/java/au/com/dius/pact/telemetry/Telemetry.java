package au.com.dius.pact.telemetry;

import java.lang.ref.Cleaner;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Reports anonymous usage events of a Pact library.
 *
 * <pre>{@code
 * try (Telemetry telemetry = Telemetry.builder().library("pact-jvm", "Pact JVM", "4.7.0").build()) {
 *   telemetry.consumerTestsRan(3);
 * }
 * }</pre>
 *
 * <p>Nothing here throws or waits for the network, but {@link #flush(Duration)} and {@link
 * #close(Duration)} for as long as they are told. A client is safe for use by any number of
 * threads. One that cannot work (see {@link #unavailableReason()}) does nothing and says so.
 *
 * <p>A person opts out as with every Pact library (see the README), or by the system properties
 * {@code pact_do_not_track} and {@code PACT_DO_NOT_TRACK}. While that is so from the start, the
 * native library is not even loaded.
 */
public final class Telemetry implements AutoCloseable {
  /** How long {@link #flush()} and {@link #close()} wait at most. */
  public static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(1);

  /** The longest that goes into an uint32_t: 49 days. */
  private static final Duration LONGEST_TIMEOUT = Duration.ofMillis(0xFFFF_FFFFL);

  /** The names of the library's constants.json, as C texts: encoded once and not for each event. */
  private static final byte[] CONSUMER_TESTS_RAN = Utf8.constant("Pact consumer tests ran");

  private static final byte[] PACTS_VERIFIED = Utf8.constant("Pacts verified");
  private static final byte[] PLUGIN_LOADED = Utf8.constant("Plugin loaded");
  private static final byte[] MOCK_SERVER_STARTED = Utf8.constant("Pact mock server started");
  private static final byte[] CONSUMER_TEST = Utf8.constant("ConsumerTest");
  private static final byte[] PROVIDER_TEST = Utf8.constant("ProviderTest");
  private static final byte[] PLUGIN = Utf8.constant("Plugin");
  private static final byte[] COMPLETED = Utf8.constant("Completed");
  private static final byte[] LOADED = Utf8.constant("Loaded");
  private static final byte[] STARTED = Utf8.constant("MockServerStarted");

  private final String config;
  private final Object lock = new Object();

  /** The host's own switch. */
  private volatile boolean hostSwitch;

  /** What the native client was last told; changed under the lock only. */
  private volatile boolean nativeSwitch;

  /** Null until the native client is needed, and for ever if it cannot be had. */
  volatile ClientHandle handle;

  private volatile String unavailable;
  private volatile boolean closed;
  private Cleaner.Cleanable cleanable;

  private Telemetry(Map<String, Object> options) {
    config = Json.write(options);
    hostSwitch = !Boolean.FALSE.equals(options.get("enabled"));
    nativeSwitch = hostSwitch;
  }

  /**
   * Starts a client.
   *
   * @return a builder without options
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Queues an event.
   *
   * @param event what happened, such as {@code "Pacts verified"}
   * @param category what kind of thing it happened to, such as {@code "ProviderTest"}
   * @param action what was done, such as {@code "Completed"}
   * @param value a count that belongs to it, zero or more
   * @return what became of it
   */
  public Outcome track(String event, String category, String action, long value) {
    return track(event, category, action, value, null, null);
  }

  /**
   * Queues an event of a plugin.
   *
   * @param event what happened, such as {@code "Plugin loaded"}
   * @param category what kind of thing it happened to, such as {@code "Plugin"}
   * @param action what was done, such as {@code "Loaded"}
   * @param value a count that belongs to it, zero or more
   * @param pluginName the plugin's name, or null
   * @param pluginVersion its version, or null
   * @return what became of it
   */
  public Outcome track(
      String event,
      String category,
      String action,
      long value,
      String pluginName,
      String pluginVersion) {
    try {
      return queue(
          Utf8.of(event),
          Utf8.of(category),
          Utf8.of(action),
          value,
          Utf8.of(pluginName),
          Utf8.of(pluginVersion));
    } catch (Utf8.Unspeakable invalid) {
      return Outcome.INVALID;
    } catch (Throwable fault) {
      return fault();
    }
  }

  /**
   * A run of consumer tests ended.
   *
   * @param interactions their number
   * @return what became of the event
   */
  public Outcome consumerTestsRan(long interactions) {
    return queueSafely(CONSUMER_TESTS_RAN, CONSUMER_TEST, COMPLETED, interactions);
  }

  /**
   * A provider verification ended.
   *
   * @param results their number
   * @return what became of the event
   */
  public Outcome pactsVerified(long results) {
    return queueSafely(PACTS_VERIFIED, PROVIDER_TEST, COMPLETED, results);
  }

  /**
   * A plugin was loaded.
   *
   * @param name the plugin's name
   * @param version its version
   * @return what became of the event
   */
  public Outcome pluginLoaded(String name, String version) {
    try {
      return queue(PLUGIN_LOADED, PLUGIN, LOADED, 1, Utf8.of(name), Utf8.of(version));
    } catch (Utf8.Unspeakable invalid) {
      return Outcome.INVALID;
    } catch (Throwable fault) {
      return fault();
    }
  }

  /**
   * A mock server was started.
   *
   * @return what became of the event
   */
  public Outcome mockServerStarted() {
    return queueSafely(MOCK_SERVER_STARTED, CONSUMER_TEST, STARTED, 1);
  }

  /**
   * Has everything sent that was queued before, and waits for it up to {@link #DEFAULT_TIMEOUT}.
   *
   * @return what became of it
   */
  public Outcome flush() {
    return flush(DEFAULT_TIMEOUT);
  }

  /**
   * Has everything sent that was queued before, at once, and waits for it.
   *
   * @param timeout the longest wait, in whole milliseconds; zero does not wait; null is the default
   * @return {@link Outcome#OK} if all was delivered or nothing waited
   */
  public Outcome flush(Duration timeout) {
    try {
      if (closed) {
        return Outcome.CLOSED;
      }
      ClientHandle open = handle;
      if (open == null) {
        return Outcome.OK;
      }
      long client = enter(open);
      if (client == 0) {
        return Outcome.CLOSED;
      }
      try {
        Library library = Library.get();
        return library.outcome(library.calls().pact_telemetry_flush(client, millis(timeout)));
      } finally {
        open.leave();
      }
    } catch (Throwable fault) {
      return fault();
    }
  }

  /** Closes as {@link #close(Duration)} does, within {@link #DEFAULT_TIMEOUT}. */
  @Override
  public void close() {
    close(DEFAULT_TIMEOUT);
  }

  /**
   * Takes no more events, and flushes. May be called by any thread, while others track.
   *
   * @param timeout the longest wait, in whole milliseconds; zero does not wait; null is the default
   * @return {@link Outcome#OK} if all was delivered or nothing waited; {@link Outcome#CLOSED} if it
   *     was closed before. What is left stays with the library, which goes on with it
   */
  public Outcome close(Duration timeout) {
    try {
      ClientHandle open;
      synchronized (lock) {
        if (closed) {
          return Outcome.CLOSED;
        }
        closed = true;
        open = handle;
      }
      if (open == null) {
        return Outcome.OK;
      }
      try {
        long client = enter(open);
        Library library = Library.get();
        try {
          return library.outcome(library.calls().pact_telemetry_close(client, millis(timeout)));
        } finally {
          open.leave();
        }
      } finally {
        // Gives up the ownership, once, whoever comes first: this or the garbage collector.
        cleanable.clean();
      }
    } catch (Throwable fault) {
      return fault();
    }
  }

  /**
   * Would an event be queued now? Asks every rule anew.
   *
   * @return false also for a client that is closed or cannot work
   */
  public boolean isEnabled() {
    try {
      ClientHandle open = closed ? null : openIfWanted();
      long client = open == null ? 0 : enter(open);
      if (client == 0) {
        return false;
      }
      try {
        return Library.get().calls().pact_telemetry_is_enabled(client) == 1;
      } finally {
        open.leave();
      }
    } catch (Throwable fault) {
      return false;
    }
  }

  /**
   * Turns this client on or off for the host. Off: what waits is thrown away, and nothing leaves
   * after the call returns. On: the person's own choice still holds.
   *
   * @param enabled whether to report
   * @return {@link Outcome#OK}, or why it could not be done
   */
  public Outcome setEnabled(boolean enabled) {
    try {
      if (closed) {
        return Outcome.CLOSED;
      }
      if (unavailable != null) {
        return Outcome.UNAVAILABLE;
      }
      hostSwitch = enabled;
      ClientHandle open = handle;
      if (open != null) {
        if (enter(open) == 0) {
          return Outcome.CLOSED;
        }
        open.leave();
      }
      return Outcome.OK;
    } catch (Throwable fault) {
      return fault();
    }
  }

  /**
   * Why this client does nothing, if it cannot work: wrong options, or no library.
   *
   * @return empty for a client that works, and for one that is off and so was never needed
   */
  public Optional<String> unavailableReason() {
    try {
      if (!closed) {
        openIfWanted();
      }
      return Optional.ofNullable(unavailable);
    } catch (Throwable fault) {
      return Optional.of(fault.toString());
    }
  }

  /**
   * Tells which rule decided, what each rule read, and where events would go.
   *
   * @return a JSON object; its key {@code jvm} is this binding's own
   */
  public String explain() {
    return ask(
        (library, client) -> {
          Library.Text text = library.explain(client);
          if (text.text() == null) {
            return refusal(library.outcome(text.status()));
          }
          // The binding's part goes in front, inside the same object: nothing has to be parsed.
          return "{\"jvm\":" + Json.write(binding()) + "," + text.text().substring(1);
        });
  }

  /**
   * Tells what became of this client's events in this process.
   *
   * @return a JSON object
   */
  public String stats() {
    return ask((library, client) -> answer(library, library.stats(client)));
  }

  /**
   * Shows the request that would carry this event alone. Sends nothing.
   *
   * @param event as for {@link #track(String, String, String, long, String, String)}
   * @param category likewise
   * @param action likewise
   * @param value likewise
   * @param pluginName likewise
   * @param pluginVersion likewise
   * @return a JSON object with {@code method}, {@code url}, {@code content_type} and {@code body}
   */
  public String preview(
      String event,
      String category,
      String action,
      long value,
      String pluginName,
      String pluginVersion) {
    return ask(
        (library, client) ->
            answer(
                library,
                library.preview(
                    client,
                    Utf8.of(event),
                    Utf8.of(category),
                    Utf8.of(action),
                    value,
                    Utf8.of(pluginName),
                    Utf8.of(pluginVersion))));
  }

  private Outcome queueSafely(byte[] event, byte[] category, byte[] action, long value) {
    try {
      return queue(event, category, action, value, null, null);
    } catch (Throwable fault) {
      return fault();
    }
  }

  private Outcome queue(
      byte[] event, byte[] category, byte[] action, long value, byte[] plugin, byte[] version) {
    if (closed) {
      return Outcome.CLOSED;
    }
    ClientHandle open = openIfWanted();
    if (open == null) {
      return closed ? Outcome.CLOSED : unavailable != null ? Outcome.UNAVAILABLE : Outcome.DISABLED;
    }
    long client = enter(open);
    if (client == 0) {
      return Outcome.CLOSED;
    }
    try {
      Library library = Library.get();
      return library.outcome(
          library.track(client, event, category, action, value, plugin, version));
    } finally {
      open.leave();
    }
  }

  /** Telemetry never breaks a test: whatever is thrown, even for want of memory, ends here. */
  private static Outcome fault() {
    return Outcome.ERROR_INTERNAL;
  }

  /** As an uint32_t, with what lies outside of it brought to its nearer end. */
  private static int millis(Duration timeout) {
    if (timeout == null) {
      return millis(DEFAULT_TIMEOUT);
    }
    if (timeout.isNegative()) {
      return 0;
    }
    Duration bounded = timeout.compareTo(LONGEST_TIMEOUT) > 0 ? LONGEST_TIMEOUT : timeout;
    return (int) bounded.toMillis();
  }

  /** Do the host and the system properties allow it? The library asks the rest. */
  private boolean isWanted() {
    return hostSwitch && !OptOut.byProperty();
  }

  /** The client, made now if it was not; null while it is off and was never needed. */
  private ClientHandle openIfWanted() {
    ClientHandle open = handle;
    if (open != null || unavailable != null) {
      return open;
    }
    return isNeeded() ? open() : null;
  }

  /** Is there anything that the native library would have to be asked? */
  private boolean isNeeded() {
    return isWanted() && !OptOut.byEnvironment(System.getenv());
  }

  /** The client, made now if it was not; null if that cannot be, or it is closed. */
  private ClientHandle open() {
    synchronized (lock) {
      if (handle != null || unavailable != null || closed) {
        return handle;
      }
      Library library = Library.get();
      if (library.unavailable() != null) {
        unavailable = library.unavailable();
        return null;
      }
      try {
        Library.Created created = library.create(Utf8.of(config));
        if (created.client() == 0) {
          unavailable = created.error();
          return null;
        }
        ClientHandle made = new ClientHandle(library, created.client());
        cleanable = Library.cleaner().register(this, made::leave);
        handle = made;
      } catch (Utf8.Unspeakable invalid) {
        unavailable = "the options hold " + invalid.getMessage();
      }
      return handle;
    }
  }

  /** Enters the client for one call, after it was told what the host and the properties say. */
  private long enter(ClientHandle open) {
    long client = open.enter();
    if (client == 0) {
      return 0;
    }
    try {
      if (isWanted() != nativeSwitch) {
        synchronized (lock) {
          boolean wanted = isWanted();
          Library.get().calls().pact_telemetry_set_enabled(client, wanted ? 1 : 0);
          nativeSwitch = wanted;
        }
      }
      return client;
    } catch (Throwable fault) {
      // The caller does not leave what it did not enter.
      open.leave();
      throw fault;
    }
  }

  /** A question that is answered in text, also while the client is off. */
  private interface Question {
    String answer(Library library, long client) throws Utf8.Unspeakable;
  }

  private String ask(Question question) {
    try {
      ClientHandle open = closed ? null : open();
      long client = open == null ? 0 : enter(open);
      if (client == 0) {
        return unavailableAnswer(unavailable != null ? unavailable : "the client is closed");
      }
      try {
        return question.answer(Library.get(), client);
      } finally {
        open.leave();
      }
    } catch (Utf8.Unspeakable invalid) {
      return refusal(Outcome.INVALID);
    } catch (Throwable fault) {
      return refusal(fault());
    }
  }

  private static String answer(Library library, Library.Text text) {
    return text.text() != null ? text.text() : refusal(library.outcome(text.status()));
  }

  private static String refusal(Outcome outcome) {
    return "{\"error\":\"" + outcome + "\"}";
  }

  private String unavailableAnswer(String reason) {
    Map<String, Object> answer = new LinkedHashMap<>();
    answer.put("enabled", false);
    answer.put("unavailable", reason);
    answer.put("jvm", binding());
    return Json.write(answer);
  }

  private Map<String, Object> binding() {
    Library library = Library.get();
    Map<String, Object> binding = new LinkedHashMap<>();
    binding.put("foreign_calls", library.kind());
    binding.put("host", hostSwitch ? "on" : "off");
    binding.put("system_properties", OptOut.properties());
    binding.put("unknown_status", library.unknownStatus());
    return binding;
  }

  /** Collects the options of a client. They are checked by the library when it is built. */
  public static final class Builder {
    private final Map<String, Object> options = new LinkedHashMap<>();

    private Builder() {}

    /**
     * Who reports. Required.
     *
     * @param id machine name, such as {@code "pact-jvm"}
     * @param name human name, such as {@code "Pact JVM"}
     * @param version its version
     * @return this builder
     */
    public Builder library(String id, String name, String version) {
      Map<String, Object> library = new LinkedHashMap<>();
      library.put("id", id);
      library.put("name", name);
      library.put("version", version);
      return option("library", library);
    }

    /**
     * What kind of program reports.
     *
     * @param source {@code "cli"}, {@code "client"} (the default) or {@code "broker"}
     * @return this builder
     */
    public Builder dataSource(String source) {
      return option("data_source", source);
    }

    /**
     * The test framework, instead of the one that is found on the stack of {@link #build()}.
     *
     * @param framework such as {@code "JUnit 5"}; null for none
     * @return this builder
     */
    public Builder testFramework(String framework) {
      return option("test_framework", framework);
    }

    /**
     * The version of the platform, instead of Java's.
     *
     * @param version such as {@code "Kotlin 2.2.0"}; null for none
     * @return this builder
     */
    public Builder platformVersion(String version) {
      return option("platform_version", version);
    }

    /**
     * The host's own switch, see {@link Telemetry#setEnabled(boolean)}.
     *
     * @param enabled whether to report
     * @return this builder
     */
    public Builder enabled(boolean enabled) {
      return option("enabled", enabled);
    }

    /**
     * The wire format.
     *
     * @param protocol {@code "ga4"} (the default), {@code "universal-analytics"} or {@code "otlp"}
     * @return this builder
     */
    public Builder protocol(String protocol) {
      return option("protocol", protocol);
    }

    /**
     * Where events go.
     *
     * @param url {@code https}, or {@code http} with a loopback host
     * @return this builder
     */
    public Builder endpoint(String url) {
      return option("endpoint", url);
    }

    /**
     * Credentials of a GA4 data stream, with {@link #apiSecret(String)}.
     *
     * @param id such as {@code "G-1234567890"}
     * @return this builder
     */
    public Builder measurementId(String id) {
      return option("measurement_id", id);
    }

    /**
     * Credentials of a GA4 data stream, with {@link #measurementId(String)}.
     *
     * @param secret the stream's secret
     * @return this builder
     */
    public Builder apiSecret(String secret) {
      return option("api_secret", secret);
    }

    /**
     * Credentials of a Universal Analytics property.
     *
     * @param id such as {@code "UA-1234567-1"}
     * @return this builder
     */
    public Builder trackingId(String id) {
      return option("tracking_id", id);
    }

    /**
     * How many events of this client may wait.
     *
     * @param events 1 to 4096
     * @return this builder
     */
    public Builder queueCapacity(int events) {
      return option("queue_capacity", events);
    }

    /**
     * Where what must survive the process is kept.
     *
     * @param directory an absolute path
     * @return this builder
     */
    public Builder stateDir(Path directory) {
      return option("state_dir", directory);
    }

    /**
     * The longest that the end of the process waits for answers.
     *
     * @param timeout at most 10 seconds, in whole milliseconds
     * @return this builder
     */
    public Builder exitTimeout(Duration timeout) {
      return option("exit_timeout_ms", timeout == null ? null : timeout.toMillis());
    }

    /**
     * Who tells the person, once, before anything leaves the machine. With {@code "host"} you do:
     * the text is under {@code notice} in {@link Telemetry#explain()}; until a client is built with
     * {@code "shown"} nothing leaves.
     *
     * @param by {@code "stderr"} (the default: the library does), {@code "host"} or {@code "shown"}
     * @return this builder
     */
    public Builder notice(String by) {
      return option("notice", by);
    }

    /**
     * What stands for the machine.
     *
     * @param kind {@code "hostname"} (the default: the digest of its name) or {@code "random"}
     * @return this builder
     */
    public Builder id(String kind) {
      return option("id", kind);
    }

    /**
     * Any option, by its key in the library's config: also one that is newer than this builder.
     *
     * @param key such as {@code "queue_capacity"}
     * @param value text, a number, a truth value, a map of them, or null for the default
     * @return this builder
     */
    public Builder option(String key, Object value) {
      options.put(key, value);
      return this;
    }

    /**
     * Makes the client. Wrong options make one that does nothing and says why, see {@link
     * Telemetry#unavailableReason()}. The native library, if it is needed, is loaded meanwhile by a
     * thread that ends with it.
     *
     * @return a new client; the builder may be used again
     */
    public Telemetry build() {
      Map<String, Object> all = new LinkedHashMap<>(options);
      if (!all.containsKey("platform_version")) {
        all.put("platform_version", Identity.platformVersion());
      }
      if (!all.containsKey("test_framework")) {
        all.put("test_framework", Identity.testFramework());
      }
      Telemetry telemetry = new Telemetry(all);
      if (telemetry.isNeeded()) {
        Library.prepare();
      }
      return telemetry;
    }
  }
}
