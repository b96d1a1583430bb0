package au.com.dius.pact.telemetry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import org.junit.jupiter.api.Test;

/** The end of a JVM whose client nobody closed. */
class ExitTest {
  @Test
  void what_waits_leaves_when_main_returns() throws Exception {
    expect("returns", 0);
  }

  @Test
  void what_waits_leaves_when_the_host_exits() throws Exception {
    expect("exits", 3);
  }

  /** HotSpot halts through the C library's exit, so that the library's handler runs there too. */
  @Test
  void what_waits_leaves_when_hotspot_halts() throws Exception {
    expect("halts", 4);
  }

  private static void expect(String how, int code) throws Exception {
    try (Collector collector = new Collector()) {
      Jvm.Ended ended = new Jvm().nativeAccess().reportingTo(collector).run(how);
      assertEquals("OK\n", ended.out());
      assertEquals("", ended.err());
      assertEquals(code, ended.code());
      assertNotNull(collector.next());
    }
  }
}
