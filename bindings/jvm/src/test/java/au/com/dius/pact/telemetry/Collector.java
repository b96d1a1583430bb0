package au.com.dius.pact.telemetry;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * The real collector in a process of its own, and a state folder as it is after the person has seen
 * the notice in an earlier run.
 */
final class Collector implements AutoCloseable {
  final String url;
  final Path state;
  private final Process process;
  private final BlockingQueue<JsonObject> events = new LinkedBlockingQueue<>();

  Collector(String... options) {
    try {
      List<String> command = new ArrayList<>(List.of(command(), "collect"));
      command.addAll(List.of(options));
      process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
      BufferedReader lines = process.inputReader();
      url = JsonParser.parseString(lines.readLine()).getAsJsonObject().get("url").getAsString();
      Thread reader = new Thread(() -> read(lines));
      reader.setDaemon(true);
      reader.start();
      state = Files.createTempDirectory("pact-telemetry-state");
      Files.writeString(state.resolve("notice.json"), "{\"shown_ms\":1}");
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  private void read(BufferedReader lines) {
    try {
      for (String line; (line = lines.readLine()) != null; ) {
        events.add(JsonParser.parseString(line).getAsJsonObject());
      }
    } catch (IOException stopped) {
      // The collector was stopped while this thread was reading: there are no more events.
      return;
    }
  }

  static Path root() {
    return Path.of("../..").toAbsolutePath().normalize();
  }

  static String command() {
    String given = System.getenv("PACT_TELEMETRY_COMMAND");
    return given != null ? given : root().resolve("target/debug/pact-telemetry").toString();
  }

  /** A client that reports here. */
  TelemetryBuilder client() {
    return Telemetry.builder()
        .library("pact-jvm", "Pact JVM", "4.7.0")
        .endpoint(url)
        .stateDir(state)
        .measurementId("G-1")
        .apiSecret("secret");
  }

  /** A client whose native library is loaded. */
  Telemetry open() {
    return opened(client());
  }

  /** The client of a builder, with its native library loaded, or the reason why it has none. */
  static Telemetry opened(TelemetryBuilder builder) {
    Telemetry telemetry = builder.build();
    awaitLibrary();
    return telemetry;
  }

  /** Waits longer than a host program would: the machine may be busy with other tests. */
  static void awaitLibrary() {
    Library.await(Deadline.in(Duration.ofSeconds(20)));
  }

  /** Longer than any step takes, also on a busy machine. */
  private static final long PATIENCE_MS = 20_000;

  /** The next event, or null if none comes. */
  JsonObject next() {
    return next(PATIENCE_MS);
  }

  JsonObject next(long millis) {
    try {
      return events.poll(millis, TimeUnit.MILLISECONDS);
    } catch (InterruptedException interrupted) {
      throw new IllegalStateException(interrupted);
    }
  }

  /** Waits for this many events. Returns fewer if no further one arrives in time. */
  List<JsonObject> next(int count) {
    List<JsonObject> all = new ArrayList<>();
    for (JsonObject one; all.size() < count && (one = next(PATIENCE_MS)) != null; ) {
      all.add(one);
    }
    return all;
  }

  @Override
  public void close() {
    process.destroy();
    try (Stream<Path> left = Files.walk(state)) {
      left.sorted(Comparator.reverseOrder()).map(Path::toFile).forEach(File::delete);
    } catch (IOException | UncheckedIOException stillUsed) {
      // A client that was not closed may still write there.
      return;
    }
  }
}
