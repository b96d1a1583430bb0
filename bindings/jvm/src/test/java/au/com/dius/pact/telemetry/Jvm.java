package au.com.dius.pact.telemetry;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A JVM of the same version as this one, to run a {@link Program} in. */
final class Jvm {
  record Ended(int code, String out, String err) {}

  final Map<String, String> environment = new HashMap<>();
  final List<String> arguments = new ArrayList<>();

  /** The words before the command. */
  final List<String> prefix = new ArrayList<>();

  Jvm() {
    arguments.add(
        "-XX:TieredStopAtLevel=1"); // It lives for less time than the second compiler takes.
    environment.put("PACT_TELEMETRY_MEASUREMENT_ID", "G-1");
    environment.put("PACT_TELEMETRY_API_SECRET", "secret");
  }

  static int version() {
    return Runtime.version().feature();
  }

  static String classPath() {
    return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
  }

  /** The jar that Maven made. */
  static Path jar() {
    return jarOf(Telemetry.class);
  }

  static Path jarOf(Class<?> any) {
    return Path.of(any.getProtectionDomain().getCodeSource().getLocation().getPath());
  }

  Jvm reportingTo(Collector collector) {
    environment.put("PACT_TELEMETRY_ENDPOINT", collector.url);
    environment.put("PACT_TELEMETRY_STATE_DIR", collector.state.toString());
    return this;
  }

  Jvm with(String name, String value) {
    environment.put(name, value);
    return this;
  }

  /** Grants native access, so that the JVM prints no warning. */
  Jvm nativeAccess() {
    arguments.add("--enable-native-access=ALL-UNNAMED");
    return this;
  }

  Ended run(String... program) throws Exception {
    List<String> command = new ArrayList<>(List.of("-cp", classPath(), Program.class.getName()));
    command.addAll(List.of(program));
    return start(command);
  }

  Ended start(List<String> rest) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(prefix);
    command.add(Path.of(System.getProperty("java.home"), "bin/java").toString());
    command.addAll(arguments);
    command.addAll(rest);
    Path out = Files.createTempFile("out", "");
    Path err = Files.createTempFile("err", "");
    try {
      ProcessBuilder builder =
          new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile());
      for (String opposed : List.of("PACT_DO_NOT_TRACK", "pact_do_not_track", "DO_NOT_TRACK")) {
        builder.environment().remove(opposed);
      }
      builder.environment().putAll(environment);
      Process process = builder.start();
      if (!process.waitFor(60, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new IllegalStateException("did not exit: " + command);
      }
      return new Ended(process.exitValue(), read(out), read(err));
    } finally {
      Files.delete(out);
      Files.delete(err);
    }
  }

  private static String read(Path file) throws IOException {
    return Files.readString(file, StandardCharsets.UTF_8);
  }
}
