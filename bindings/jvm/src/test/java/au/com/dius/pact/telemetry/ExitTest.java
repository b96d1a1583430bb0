package au.com.dius.pact.telemetry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The exit of a JVM whose client was not closed. */
class ExitTest {
  @Test
  void waiting_events_are_sent_when_main_returns() throws Exception {
    expect("returns", 0);
  }

  @Test
  void waiting_events_are_sent_when_the_host_program_exits() throws Exception {
    expect("exits", 3);
  }

  @Test
  void events_that_a_shutdown_hook_of_the_host_program_tracks_are_sent() throws Exception {
    expect("tracks in a hook", 0);
    expect("tracks in a hook while the library is loaded", 0);
  }

  @Test
  void persisted_events_are_sent_when_the_host_program_halts() throws Exception {
    expect("halts", 4, "OK\nfalse\n");
  }

  private static void expect(String how, int code) throws Exception {
    expect(how, code, "OK\n");
  }

  private static void expect(String how, int code, String out) throws Exception {
    try (Collector collector = new Collector()) {
      Jvm.Ended ended = new Jvm().nativeAccess().reportingTo(collector).run(how);
      assertEquals(out, ended.out());
      assertEquals("", ended.err());
      assertEquals(code, ended.code());
      assertNotNull(collector.next());
    }
  }

  /** The shutdown hook does this on Windows. Elsewhere it was removed before. */
  @Test
  void the_hook_persists_events_while_the_server_hangs() throws Exception {
    try (Collector hangs = new Collector("--answers", "hang*");
        Telemetry telemetry = hangs.open()) {
      telemetry.flush(Duration.ofSeconds(10)); // All clients of the process share one queue.
      assertEquals(Outcome.OK, telemetry.mockServerStarted());
      ExitHook.saveAll(true);
      try (Stream<Path> spool = Files.list(hangs.state.resolve("spool"))) {
        assertEquals(1, spool.filter(file -> file.toString().endsWith(".batch")).count());
      }
    }
  }

  @Test
  void no_thread_of_this_package_lives_longer_than_the_loading() throws Exception {
    try (Collector collector = new Collector();
        Telemetry telemetry = collector.open()) {
      telemetry.mockServerStarted();
      Library.await(Deadline.in(Duration.ofSeconds(10)));
      for (Thread thread : Thread.getAllStackTraces().keySet()) {
        if (thread.getName().startsWith("pact-telemetry")) {
          thread.join(10_000);
          assertFalse(thread.isAlive(), thread.getName());
        }
        assertFalse(thread.getName().startsWith("Cleaner-"), thread.getName());
      }
    }
  }
}
