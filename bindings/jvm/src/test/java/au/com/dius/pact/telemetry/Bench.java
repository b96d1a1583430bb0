package au.com.dius.pact.telemetry;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;

/** What a track costs its caller, beside a bare foreign call with the same texts. */
public final class Bench {
  private static final int BURST = 1_000;
  private static final int BURSTS = 60;

  private Bench() {}

  public static void main(String[] none) {
    try (Collector collector = new Collector();
        Telemetry telemetry = collector.client().build()) {
      Library library = Library.get();
      if (library.unavailable() != null) {
        System.err.println(library.unavailable());
        System.exit(1);
      }
      System.out.printf("Java %s, %s%n", System.getProperty("java.version"), library.kind());
      // The texts lie ready at an address: only the call itself is left.
      ByteBuffer buffer = ByteBuffer.allocateDirect(256);
      Backend backend = (Backend) library.calls();
      long[] text = new long[3];
      String[] texts = {"Pact consumer tests ran", "ConsumerTest", "Completed"};
      for (int i = 0; i < texts.length; i++) {
        text[i] = backend.addressOf(buffer) + buffer.position();
        buffer.put(texts[i].getBytes(StandardCharsets.UTF_8)).put((byte) 0);
      }
      int[] sink = new int[1];
      Runnable bare =
          () -> sink[0] += backend.pact_telemetry_track(0, text[0], text[1], text[2], 3, 0, 0);
      Runnable track = () -> sink[0] += telemetry.track(texts[0], texts[1], texts[2], 3).ordinal();
      Runnable helper = () -> sink[0] += telemetry.consumerTestsRan(3).ordinal();
      double[][] samples = new double[3][BURSTS];
      for (int i = 0; i < BURSTS; i++) {
        samples[0][i] = burst(bare);
        samples[1][i] = burst(track);
        telemetry.flush(Duration.ofSeconds(10));
        samples[2][i] = burst(helper);
        telemetry.flush(Duration.ofSeconds(10));
      }
      double floor = print("bare foreign call, NULL client", samples[0], 0);
      print("track, accepted", samples[1], floor);
      print("consumerTestsRan, accepted", samples[2], floor);
      System.out.println(telemetry.stats() + " " + sink[0]);
      buffer.clear();
    }
  }

  /** Nanoseconds a call. */
  private static double burst(Runnable call) {
    long start = System.nanoTime();
    for (int i = 0; i < BURST; i++) {
      call.run();
    }
    return (System.nanoTime() - start) / (double) BURST;
  }

  /** The median of the later half: by then the JIT has done its work. */
  private static double print(String name, double[] samples, double floor) {
    double[] later = Arrays.copyOfRange(samples, samples.length / 2, samples.length);
    Arrays.sort(later);
    double median = later[later.length / 2];
    System.out.printf("%-32s %8.1f ns", name, median);
    System.out.println(floor == 0 ? "" : String.format("   own share %8.1f ns", median - floor));
    return median;
  }
}
