package au.com.dius.pact.telemetry;

import java.io.IOException;
import java.io.InputStream;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The loaded library: finds it, and carries Java's texts over. A thread's texts go through one
 * buffer of its own, which is made once: an allocation for each would cost more than the call.
 */
final class Library {
  /** Room for the largest event that the library takes (1,450 bytes of text). */
  private static final int THREAD_BUFFER = 2048;

  private static final int ERROR_BUFFER = 512;

  /** Room for what {@link #text} mostly answers; a longer text costs a second call. */
  private static final int TEXT_BUFFER = 8192;

  /** Made when the library is first needed, and so not while the person has opted out. */
  private static final class Process {
    static final Library LIBRARY = load(System.getenv());
    static final Cleaner CLEANER = Cleaner.create();
  }

  /**
   * Loads the library aside: the JDK takes a quarter of a second to make its first foreign call,
   * and a host that makes a client early need not wait for it.
   */
  private static final class Preparation {
    static {
      Thread thread = new Thread(null, Library::get, "pact-telemetry-loads", 0, false);
      thread.setDaemon(true);
      thread.setContextClassLoader(null);
      thread.start();
    }

    static void begun() {}
  }

  private final Backend backend;
  private final String unavailable;
  private final ThreadLocal<Arguments> arguments =
      ThreadLocal.withInitial(() -> new Arguments(THREAD_BUFFER));
  private volatile String unknownStatus;

  private Library(Backend backend, String unavailable) {
    this.backend = backend;
    this.unavailable = unavailable;
  }

  /** The process's library, loaded at the first call. */
  static Library get() {
    return Process.LIBRARY;
  }

  /** Has the library loaded by a thread of its own, once; {@link #get()} waits for it. */
  static void prepare() {
    try {
      Preparation.begun();
    } catch (Throwable noThread) {
      // Then the first call that needs the library loads it.
      return;
    }
  }

  static Cleaner cleaner() {
    return Process.CLEANER;
  }

  /** Looks for the library in the order of the README; never throws. */
  static Library load(Map<String, String> environment) {
    String given = environment.get("PACT_TELEMETRY_LIBRARY");
    if (given != null && !given.isBlank()) {
      try {
        // Asked first: for a file that is not there JNA would go and look elsewhere.
        Path path = Path.of(given).toAbsolutePath();
        if (!Files.isRegularFile(path)) {
          throw new IOException("there is no such file");
        }
        return new Library(Backends.open(path.toString()), null);
      } catch (Throwable failure) {
        return new Library(null, "PACT_TELEMETRY_LIBRARY=" + given + ": " + messageOf(failure));
      }
    }
    List<String> reasons = new ArrayList<>();
    String os = os();
    String file =
        switch (os) {
          case "windows" -> "pact_telemetry.dll";
          case "macos" -> "libpact_telemetry.dylib";
          default -> "libpact_telemetry.so";
        };
    String bundled = "/native/" + os + "-" + arch() + "/" + file;
    try {
      URL url = Library.class.getResource(bundled);
      if (url != null) {
        return new Library(openBundled(url, file), null);
      }
      reasons.add("this package has no " + bundled.substring(1));
    } catch (Throwable failure) {
      reasons.add(bundled.substring(1) + ": " + messageOf(failure));
    }
    String installed =
        switch (os) {
          case "windows" -> file;
          case "macos" -> "libpact_telemetry.1.dylib";
          default -> "libpact_telemetry.so.1";
        };
    try {
      return new Library(Backends.open(installed), null);
    } catch (Throwable failure) {
      reasons.add("the system's " + installed + ": " + messageOf(failure));
    }
    return new Library(null, String.join("; ", reasons));
  }

  /** A system's loader wants a file: one inside a jar is unpacked for as long as loading takes. */
  private static Backend openBundled(URL url, String file) throws IOException, URISyntaxException {
    if (url.getProtocol().equals("file")) {
      return Backends.open(Path.of(url.toURI()).toString());
    }
    Path unpacked = Files.createTempFile("pact-telemetry-", "-" + file);
    try (InputStream in = url.openStream()) {
      Files.copy(in, unpacked, StandardCopyOption.REPLACE_EXISTING);
      return Backends.open(unpacked.toString());
    } finally {
      try {
        Files.deleteIfExists(unpacked);
      } catch (IOException inUse) {
        // Windows keeps the file of a loaded library.
        unpacked.toFile().deleteOnExit();
      }
    }
  }

  private static String os() {
    String name = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    if (name.startsWith("windows")) {
      return "windows";
    }
    return name.startsWith("mac") ? "macos" : name;
  }

  private static String arch() {
    String name = System.getProperty("os.arch");
    return name.equals("amd64") ? "x86_64" : name;
  }

  private static String messageOf(Throwable failure) {
    return failure.getMessage() == null ? failure.toString() : failure.getMessage();
  }

  /** Why there is no library, or null if there is one. */
  String unavailable() {
    return unavailable;
  }

  /** How foreign calls are made, or null. */
  String kind() {
    return backend == null ? null : backend.kind();
  }

  /** The functions that take no text. */
  Native calls() {
    return backend;
  }

  String version() {
    return backend.textAt(backend.pact_telemetry_version());
  }

  String statusName(int status) {
    return backend.textAt(backend.pact_telemetry_status_name(status));
  }

  /** The outcome of a status; remembers the name of one that this binding does not know. */
  Outcome outcome(int status) {
    Outcome outcome = Outcome.of(status);
    if (outcome == Outcome.UNKNOWN || outcome == Outcome.UNKNOWN_ERROR) {
      unknownStatus = statusName(status) + " (" + status + ")";
    }
    return outcome;
  }

  /** The last status that this binding does not know, or null. */
  String unknownStatus() {
    return unknownStatus;
  }

  /** A new client, or 0 and why not. Texts are C texts ({@link Utf8}) or null, here and below. */
  record Created(long client, String error) {}

  Created create(byte[] config) {
    Arguments in = new Arguments(config == null ? 0 : config.length);
    ByteBuffer error = ByteBuffer.allocateDirect(ERROR_BUFFER);
    try {
      long client =
          backend.pact_telemetry_new(in.put(config), backend.addressOf(error), ERROR_BUFFER);
      return new Created(client, client == 0 ? textIn(error) : null);
    } finally {
      Reference.reachabilityFence(in);
      Reference.reachabilityFence(error);
    }
  }

  int track(
      long client,
      byte[] event,
      byte[] category,
      byte[] action,
      long value,
      byte[] pluginName,
      byte[] pluginVersion) {
    Arguments in = argumentsFor(event, category, action, pluginName, pluginVersion);
    try {
      return backend.pact_telemetry_track(
          client,
          in.put(event),
          in.put(category),
          in.put(action),
          value,
          in.put(pluginName),
          in.put(pluginVersion));
    } finally {
      Reference.reachabilityFence(in);
    }
  }

  /** What a function wrote, or the negative status that it answered (then the text is null). */
  record Text(int status, String text) {}

  /** A function of the caller-buffer protocol: address and capacity in, the full length out. */
  interface Writer {
    int write(long out, int capacity);
  }

  Text preview(
      long client,
      byte[] event,
      byte[] category,
      byte[] action,
      long value,
      byte[] pluginName,
      byte[] pluginVersion) {
    return text(
        previewer(client, event, category, action, value, pluginName, pluginVersion), TEXT_BUFFER);
  }

  Writer previewer(
      long client,
      byte[] event,
      byte[] category,
      byte[] action,
      long value,
      byte[] pluginName,
      byte[] pluginVersion) {
    return (out, capacity) -> {
      Arguments in = argumentsFor(event, category, action, pluginName, pluginVersion);
      try {
        return backend.pact_telemetry_preview(
            client,
            in.put(event),
            in.put(category),
            in.put(action),
            value,
            in.put(pluginName),
            in.put(pluginVersion),
            out,
            capacity);
      } finally {
        Reference.reachabilityFence(in);
      }
    };
  }

  Text explain(long client) {
    return text(
        (out, capacity) -> backend.pact_telemetry_explain(client, out, capacity), TEXT_BUFFER);
  }

  Text stats(long client) {
    return text(
        (out, capacity) -> backend.pact_telemetry_stats(client, out, capacity), TEXT_BUFFER);
  }

  private Text text(Writer writer, int capacity) {
    // The text may have grown between two calls; after a few it is taken as it was cut.
    for (int attempt = 0; ; attempt++) {
      ByteBuffer out = ByteBuffer.allocateDirect(capacity);
      int length = write(writer, out, capacity);
      if (length < 0) {
        return new Text(length, null);
      }
      if (length < capacity || attempt == 3) {
        return new Text(Native.OK, textIn(out));
      }
      capacity = length + 1024;
    }
  }

  /** One call of a function that writes; a buffer of no bytes goes as NULL. */
  int write(Writer writer, ByteBuffer out, int capacity) {
    try {
      return writer.write(capacity == 0 ? 0 : backend.addressOf(out), capacity);
    } finally {
      Reference.reachabilityFence(out);
    }
  }

  /** The text up to the NUL in a buffer. */
  static String textIn(ByteBuffer buffer) {
    int length = 0;
    while (length < buffer.capacity() && buffer.get(length) != 0) {
      length++;
    }
    byte[] bytes = new byte[length];
    buffer.get(0, bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private Arguments argumentsFor(byte[] a, byte[] b, byte[] c, byte[] d, byte[] e) {
    long needed = (long) length(a) + length(b) + length(c) + length(d) + length(e);
    if (needed > THREAD_BUFFER) {
      return new Arguments(Math.toIntExact(needed));
    }
    Arguments mine = arguments.get();
    mine.used = 0;
    return mine;
  }

  private static int length(byte[] text) {
    return text == null ? 0 : text.length;
  }

  /** The texts of one call, side by side. */
  private final class Arguments {
    private final ByteBuffer buffer;
    private final long address;
    private int used;

    Arguments(int capacity) {
      buffer = ByteBuffer.allocateDirect(Math.max(1, capacity));
      address = backend.addressOf(buffer);
    }

    /** Where the text lies now; 0 for null. */
    long put(byte[] text) {
      if (text == null) {
        return 0;
      }
      long at = address + used;
      buffer.put(used, text);
      used += text.length;
      return at;
    }
  }
}
