package au.com.dius.pact.telemetry;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.TreeSet;

/** Runs in a JVM of its own, for tests of loading, which happens once in a process, and of exit. */
public final class Program {
  private static final Duration LONG = Duration.ofSeconds(20);

  private Program() {}

  public static void main(String[] how) throws Exception {
    Telemetry telemetry = client().build();
    switch (how[0]) {
      case "returns" -> System.out.println(telemetry.consumerTestsRan(1));
      case "exits" -> {
        System.out.println(telemetry.consumerTestsRan(2));
        System.exit(3);
      }
      case "halts" -> {
        System.out.println(telemetry.consumerTestsRan(3));
        System.out.println(telemetry.persist(LONG).isError());
        System.out.flush();
        Runtime.getRuntime().halt(4);
      }
      case "tracks in a hook" ->
          Runtime.getRuntime()
              .addShutdownHook(
                  new Thread(() -> System.out.println(client().build().consumerTestsRan(4))));
      case "tracks in a hook while the library is loaded" ->
          Runtime.getRuntime()
              .addShutdownHook(new Thread(() -> System.out.println(telemetry.consumerTestsRan(5))));
      case "asks" -> {
        Collector.awaitLibrary();
        asks(telemetry);
      }
      case "explains" -> {
        Collector.awaitLibrary();
        System.out.println(telemetry.explain());
      }
      case "is off" -> isOff(telemetry);
      case "is early" -> isEarly(telemetry);
      case "is early and opts out" -> optsOutEarly(telemetry);
      case "is early and turns off" -> turnsOffEarly(telemetry);
      case "is early and closes" -> closesEarly(telemetry);
      case "is early and wrong" -> isWrongEarly(telemetry);
      default -> throw new IllegalArgumentException(how[0]);
    }
  }

  private static TelemetryBuilder client() {
    return Telemetry.builder().library("pact-jvm", "Pact JVM", "4.7.0");
  }

  /** Every method of a client that cannot work. */
  private static void asks(Telemetry telemetry) {
    System.out.println(telemetry.explain());
    System.out.println(telemetry.unavailableReason().orElse("available"));
    System.out.println(telemetry.mockServerStarted());
    System.out.println(telemetry.flush());
    System.out.println(telemetry.persist());
    System.out.println(telemetry.isEnabled());
    System.out.println(telemetry.setEnabled(true));
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
    System.out.println(telemetry.explain().state());
    System.out.println(telemetry.stats().notAccepted().get(RefusalReason.DISABLED));
    String mapped = Files.readString(Path.of("/proc/self/maps"));
    System.out.println(mapped.contains("pact_telemetry.so") || mapped.contains("jna"));
    TreeSet<String> threads = new TreeSet<>();
    Thread.getAllStackTraces().keySet().forEach(thread -> threads.add(thread.getName()));
    threads.removeIf(name -> !name.contains("pact") && !name.contains("Cleaner-"));
    System.out.println(threads);
    System.out.println(telemetry.close(null));
  }

  /** Tracks before the library is loaded, which takes tens of milliseconds. */
  private static void isEarly(Telemetry telemetry) {
    System.out.println(telemetry.consumerTestsRan(1));
    System.out.println(telemetry.consumerTestsRan(2));
    System.out.println(telemetry.pluginLoaded("protobuf", "1"));
    Stats stats = telemetry.stats();
    System.out.println(stats.accepted() + " accepted, " + stats.queued() + " queued");
    System.out.println(telemetry.flush(LONG));
    System.out.println(balance(telemetry.stats()));
  }

  private static void optsOutEarly(Telemetry telemetry) {
    System.out.println(telemetry.consumerTestsRan(1));
    System.setProperty("pact_do_not_track", "1");
    System.out.println(telemetry.consumerTestsRan(2));
    System.clearProperty("pact_do_not_track");
    System.out.println(telemetry.consumerTestsRan(3));
    System.out.println(telemetry.flush(LONG));
    System.out.println(balance(telemetry.stats()));
  }

  private static void turnsOffEarly(Telemetry telemetry) {
    System.out.println(telemetry.consumerTestsRan(1));
    System.out.println(telemetry.setEnabled(false));
    System.out.println(telemetry.setEnabled(true));
    System.out.println(telemetry.consumerTestsRan(3));
    System.out.println(telemetry.flush(LONG));
    System.out.println(balance(telemetry.stats()));
  }

  private static void closesEarly(Telemetry telemetry) {
    System.out.println(telemetry.consumerTestsRan(1));
    System.out.println(telemetry.close(Duration.ZERO));
    System.out.println(telemetry.consumerTestsRan(2));
  }

  private static void isWrongEarly(Telemetry telemetry) {
    String early = wrong(telemetry);
    System.out.println(early);
    Collector.awaitLibrary();
    System.out.println(wrong(telemetry).equals(early));
  }

  private static String wrong(Telemetry telemetry) {
    return telemetry.track(null, "b", "c", 1)
        + " "
        + telemetry.track(" ", "b", "c", 1)
        + " "
        + telemetry.track("a", "\t", "c", 1)
        + " "
        + telemetry.track("x".repeat(501), "b", "c", 1)
        + " "
        + telemetry.track("a", "x".repeat(151), "c", 1)
        + " "
        + telemetry.track("a", "b", "x".repeat(501), 1)
        + " "
        + telemetry.track("a", "b", "c", 1, "x".repeat(151), null)
        + " "
        + telemetry.track("x".repeat(5_000_000), "b", "c", 1)
        + " "
        + telemetry.track("a", "b", "c", -1)
        + " "
        + telemetry.track("a\0b", "b", "c", 1);
  }

  /** The counters that the tests compare, and whether they balance. */
  private static String balance(Stats stats) {
    long dropped = stats.dropped().values().stream().mapToLong(Long::longValue).sum();
    boolean balances =
        stats.accepted()
            == stats.delivered() + stats.unconfirmed() + stats.queued() + stats.spooled() + dropped;
    return "accepted="
        + stats.accepted()
        + " delivered="
        + stats.delivered()
        + " opted_out="
        + stats.dropped().get(DropReason.OPTED_OUT)
        + " unavailable="
        + stats.dropped().get(DropReason.UNAVAILABLE)
        + " disabled="
        + stats.notAccepted().get(RefusalReason.DISABLED)
        + (balances ? "" : " does not balance");
  }
}
