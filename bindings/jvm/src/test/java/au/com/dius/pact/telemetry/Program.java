package au.com.dius.pact.telemetry;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeSet;

/** What the tests run in a JVM of its own: what happens once a process, and its end. */
public final class Program {
  private Program() {}

  public static void main(String[] how) throws Exception {
    Telemetry telemetry = Telemetry.builder().library("pact-jvm", "Pact JVM", "4.7.0").build();
    switch (how[0]) {
      case "returns" -> System.out.println(telemetry.consumerTestsRan(1));
      case "exits" -> {
        System.out.println(telemetry.consumerTestsRan(2));
        System.exit(3);
      }
      case "halts" -> {
        System.out.println(telemetry.consumerTestsRan(3));
        System.out.flush();
        Runtime.getRuntime().halt(4);
      }
      case "asks" -> asks(telemetry);
      case "explains" -> System.out.println(telemetry.explain());
      case "is off" -> isOff(telemetry);
      default -> throw new IllegalArgumentException(how[0]);
    }
  }

  /** Every method of a client that cannot work. */
  private static void asks(Telemetry telemetry) {
    System.out.println(telemetry.unavailableReason().orElse("available"));
    System.out.println(telemetry.mockServerStarted());
    System.out.println(telemetry.flush());
    System.out.println(telemetry.isEnabled());
    System.out.println(telemetry.setEnabled(true));
    System.out.println(telemetry.explain());
    System.out.println(telemetry.stats());
    System.out.println(telemetry.preview("a", "b", "c", 1, null, null));
    System.out.println(telemetry.close(null));
    System.out.println(telemetry.mockServerStarted());
  }

  private static void isOff(Telemetry telemetry) throws IOException {
    System.out.println(telemetry.mockServerStarted());
    System.out.println(telemetry.isEnabled());
    System.out.println(telemetry.flush());
    System.out.println(telemetry.unavailableReason());
    String mapped = Files.readString(Path.of("/proc/self/maps"));
    System.out.println(mapped.contains("pact_telemetry.so") || mapped.contains("jna"));
    TreeSet<String> threads = new TreeSet<>();
    Thread.getAllStackTraces().keySet().forEach(thread -> threads.add(thread.getName()));
    threads.removeIf(name -> !name.contains("pact") && !name.contains("Cleaner-"));
    System.out.println(threads);
    System.out.println(telemetry.close(null));
  }
}
