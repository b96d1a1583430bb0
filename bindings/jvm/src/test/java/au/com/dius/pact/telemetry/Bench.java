package au.com.dius.pact.telemetry;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;

/** Measures what track costs its caller, compared with bare foreign calls in the same run. */
public final class Bench {
  private static final int BURST = 1_000;
  private static final int BURSTS = 60;
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private Bench() {}

  public static void main(String[] none) {
    try (Collector collector = new Collector();
        Telemetry telemetry = collector.open();
        Telemetry off = collector.client().enabled(false).build()) {
      String kind = telemetry.explain().jvm().foreignCalls();
      Library library = Library.loaded();
      if (kind == null || library == null || library.calls() == null) {
        System.err.println(telemetry.unavailableReason().orElse("not loaded"));
        System.exit(1);
      }
      System.out.printf("Java %s, %s%n", System.getProperty("java.version"), kind);
      Calls calls = library.calls();
      Backend backend = calls.backend();
      long client = calls.create(config(collector)).client();
      // The texts are in native memory already, so only the call itself is measured.
      ByteBuffer buffer = ByteBuffer.allocateDirect(256);
      long address = backend.addressOf(buffer);
      long[] text = new long[3];
      String[] texts = {"Pact consumer tests ran", "ConsumerTest", "Completed"};
      for (int i = 0; i < texts.length; i++) {
        text[i] = address + buffer.position();
        buffer.put(texts[i].getBytes(StandardCharsets.UTF_8)).put((byte) 0);
      }
      int[] sink = new int[1];
      int accepted = backend.pact_telemetry_track(client, text[0], text[1], text[2], 3, 0, 0);
      if (accepted != Native.OK) {
        throw new IllegalStateException("the bare call answers " + calls.statusName(accepted));
      }
      Runnable nothing =
          () -> sink[0] += backend.pact_telemetry_track(0, text[0], text[1], text[2], 3, 0, 0);
      Runnable bare =
          () -> sink[0] += backend.pact_telemetry_track(client, text[0], text[1], text[2], 3, 0, 0);
      Runnable track = () -> sink[0] += telemetry.track(texts[0], texts[1], texts[2], 3).ordinal();
      Runnable helper = () -> sink[0] += telemetry.consumerTestsRan(3).ordinal();
      Runnable disabled = () -> sink[0] += off.track(texts[0], texts[1], texts[2], 3).ordinal();
      double[][] samples = new double[5][BURSTS];
      for (int i = 0; i < BURSTS; i++) {
        samples[0][i] = burst(bare);
        backend.pact_telemetry_flush(client, (int) PATIENCE.toMillis());
        samples[1][i] = burst(track);
        telemetry.flush(PATIENCE);
        samples[2][i] = burst(helper);
        telemetry.flush(PATIENCE);
        samples[3][i] = burst(nothing);
        samples[4][i] = burst(disabled);
      }
      double floor = median(samples[0]);
      double empty = median(samples[3]);
      print("bare call, accepted", floor, "");
      print("track, accepted", median(samples[1]), over(median(samples[1]), floor));
      print("consumerTestsRan, accepted", median(samples[2]), over(median(samples[2]), floor));
      print("bare call that does nothing", empty, "");
      double refused = median(samples[4]);
      print(
          "track, turned off", refused, String.format("%.2f times the bare call", refused / empty));
      System.out.println(telemetry.stats() + " " + sink[0]);
      backend.pact_telemetry_free(client);
      buffer.clear();
    }
  }

  private static byte[] config(Collector collector) {
    return Utf8.constant(
        "{\"library\":{\"id\":\"bench\",\"name\":\"Bench\",\"version\":\"1\"},\"measurement_id\":\"G-1\","
            + "\"api_secret\":\"s\",\"endpoint\":\""
            + collector.url
            + "\",\"state_dir\":\""
            + collector.state
            + "\"}");
  }

  /** The nanoseconds that one call takes. */
  private static double burst(Runnable call) {
    long start = System.nanoTime();
    for (int i = 0; i < BURST; i++) {
      call.run();
    }
    return (System.nanoTime() - start) / (double) BURST;
  }

  /** The median of the second half, when the JIT has compiled the code. */
  private static double median(double[] samples) {
    double[] later = Arrays.copyOfRange(samples, samples.length / 2, samples.length);
    Arrays.sort(later);
    return later[later.length / 2];
  }

  private static String over(double cost, double floor) {
    return String.format("own share %.1f ns", cost - floor);
  }

  private static void print(String name, double nanos, String beside) {
    System.out.printf("%-30s %8.1f ns   %s%n", name, nanos, beside);
  }
}
