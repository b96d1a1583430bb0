package au.com.dius.pact.telemetry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Events that are tracked while the native library is still being loaded. */
class LoadingTest {
  private final Collector collector = new Collector();

  @AfterEach
  void stopCollector() {
    collector.close();
  }

  private String run(Jvm jvm, String how) throws Exception {
    Jvm.Ended ended = jvm.nativeAccess().reportingTo(collector).run(how);
    assertEquals("", ended.err());
    assertEquals(0, ended.code());
    return ended.out();
  }

  @Test
  void a_track_does_not_wait_for_the_library_and_its_event_arrives() throws Exception {
    assertEquals(
        """
        OK
        OK
        OK
        3 accepted, 3 queued
        OK
        accepted=3 delivered=3 opted_out=0 unavailable=0 disabled=0
        """,
        run(new Jvm(), "is early"));
    assertEquals(3, collector.next(3).size());
  }

  @Test
  void an_opt_out_drops_waiting_events() throws Exception {
    assertEquals(
        """
        OK
        DISABLED
        OK
        OK
        accepted=2 delivered=1 opted_out=1 unavailable=0 disabled=1
        """,
        run(new Jvm(), "is early and opts out"));
    expectTheThirdAlone();
  }

  @Test
  void the_host_programs_switch_drops_waiting_events() throws Exception {
    assertEquals(
        """
        OK
        OK
        OK
        OK
        OK
        accepted=2 delivered=1 opted_out=1 unavailable=0 disabled=0
        """,
        run(new Jvm(), "is early and turns off"));
    expectTheThirdAlone();
  }

  private void expectTheThirdAlone() {
    assertEquals("3", collector.next().getAsJsonObject("fields").get("value").getAsString());
    assertNull(collector.next(100L));
  }

  @Test
  void a_saved_choice_is_found_when_the_library_is_loaded(@TempDir Path config) throws Exception {
    Path folder = Files.createDirectories(config.resolve("pact-telemetry"));
    Files.writeString(folder.resolve("choice.json"), "{\"enabled\":false}");
    String out = run(new Jvm().with("XDG_CONFIG_HOME", config.toString()), "is early");
    assertTrue(out.endsWith("accepted=0 delivered=0 opted_out=0 unavailable=0 disabled=3\n"), out);
    assertNull(collector.next(100L));
  }

  @Test
  void a_client_that_is_closed_during_loading_still_delivers() throws Exception {
    String out = run(new Jvm(), "is early and closes");
    assertEquals("OK\nERROR_TIMEOUT\nCLOSED\n", out);
    assertNotNull(collector.next());
  }

  @Test
  void events_that_wait_for_a_library_that_cannot_be_loaded_are_counted(@TempDir Path folder)
      throws Exception {
    assertEquals(
        """
        OK
        OK
        OK
        3 accepted, 3 queued
        LOST
        accepted=3 delivered=0 opted_out=0 unavailable=3 disabled=0
        """,
        run(new Jvm().with("PACT_TELEMETRY_LIBRARY", LoaderTest.otherAbi(folder)), "is early"));
  }

  @Test
  void wrong_input_has_the_same_outcome_as_after_loading() throws Exception {
    assertEquals(
        "ERROR_NULL ERROR_EMPTY ERROR_EMPTY ERROR_TOO_LONG ERROR_TOO_LONG ERROR_TOO_LONG "
            + "ERROR_TOO_LONG ERROR_TOO_LONG ERROR_RANGE INVALID\ntrue\n",
        run(new Jvm(), "is early and wrong"));
  }
}
