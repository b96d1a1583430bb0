package au.com.dius.pact.telemetry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.sun.jna.Memory;
import com.sun.jna.NativeLibrary;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TelemetryTest {
  private final Collector collector = new Collector();

  @AfterEach
  void stopCollector() {
    collector.close();
  }

  private static JsonObject json(String text) {
    return JsonParser.parseString(text).getAsJsonObject();
  }

  @Test
  void an_event_arrives_unchanged_and_names_the_reporting_library() {
    try (Telemetry telemetry = collector.client().dataSource(DataSource.CLI).build()) {
      assertEquals(
          Outcome.OK, telemetry.track("Größe ✓ 🎉", "Kategorie", "Tat", 7, "Stecker", "1.2"));
      assertEquals(Outcome.OK, telemetry.flush());
    }
    JsonObject event = collector.next();
    JsonObject fields = event.getAsJsonObject("fields");
    assertEquals("Größe ✓ 🎉", fields.get("event").getAsString());
    assertEquals("Kategorie", fields.get("category").getAsString());
    assertEquals("Tat", fields.get("action").getAsString());
    assertEquals("7", fields.get("value").getAsString());
    assertEquals("Stecker", fields.get("plugin_name").getAsString());
    assertEquals("1.2", fields.get("plugin_version").getAsString());
    assertEquals("pact-jvm", fields.get("library_name").getAsString());
    assertEquals("cli", fields.get("data_source").getAsString());
    assertEquals("JUnit 5", fields.get("test_framework").getAsString());
    assertEquals(
        "Java " + System.getProperty("java.version"), fields.get("platform_version").getAsString());
    assertEquals("[]", event.get("problems").toString());
  }

  /** Java itself cannot change the environment, but native code in the process can. */
  @Test
  void an_environment_that_native_code_changes_holds_at_once() {
    assumeFalse(System.getProperty("os.name").startsWith("Windows"));
    NativeLibrary c = NativeLibrary.getInstance("c");
    Memory entry = new Memory(32); // the environment goes on using it
    entry.setString(0, "AA_NOT_TRACK=1");
    try (Telemetry telemetry = collector.client().build()) {
      assertEquals(Outcome.OK, telemetry.pactsVerified(1));
      assertEquals(Outcome.OK, telemetry.flush()); // the library is loaded by then
      c.getFunction("setenv").invokeInt(new Object[] {"PACT_DO_NOT_TRACK", "1", 1});
      assertEquals(Outcome.DISABLED, telemetry.pactsVerified(1));
      c.getFunction("unsetenv").invokeInt(new Object[] {"PACT_DO_NOT_TRACK"});
      assertEquals(Outcome.OK, telemetry.pactsVerified(1));
      c.getFunction("putenv").invokeInt(new Object[] {entry});
      assertEquals(Outcome.OK, telemetry.pactsVerified(1));
      entry.setString(0, "DO_NOT_TRACK=1");
      assertEquals(Outcome.DISABLED, telemetry.pactsVerified(1));
      assertEquals("DO_NOT_TRACK", telemetry.explain().rule());
      c.getFunction("unsetenv").invokeInt(new Object[] {"DO_NOT_TRACK"});
      assertEquals(Outcome.OK, telemetry.pactsVerified(1));
    }
  }

  @Test
  void identity_can_be_replaced_or_left_out() {
    try (Telemetry telemetry =
        collector.client().platformVersion("Kotlin 2.2.0").testFramework(null).build()) {
      telemetry.mockServerStarted();
    }
    JsonObject fields = collector.next().getAsJsonObject("fields");
    assertEquals("Kotlin 2.2.0", fields.get("platform_version").getAsString());
    assertFalse(fields.has("test_framework"));
  }

  @Test
  void the_framework_on_the_stack_is_recognised() {
    assertNull(elsewhere(Identity::testFramework));
    assertEquals(
        "Spock",
        elsewhere(() -> org.spockframework.runtime.OnTheStack.call(Identity::testFramework)));
    assertEquals(
        "Kotest", elsewhere(() -> io.kotest.engine.OnTheStack.call(Identity::testFramework)));
    assertEquals(
        "TestNG", elsewhere(() -> org.testng.internal.OnTheStack.call(Identity::testFramework)));
    assertEquals(
        "JUnit 4", elsewhere(() -> org.junit.runners.OnTheStack.call(Identity::testFramework)));
    assertEquals("JUnit 5", Identity.testFramework());
    assertEquals("JUnit 6", Identity.nameOf("JUnit 5", "6.0.1"));
  }

  /** On a thread without JUnit's frames. */
  private static String elsewhere(Supplier<String> question) {
    return CompletableFuture.supplyAsync(question).join();
  }

  @Test
  void foreign_calls_are_made_the_way_this_jdk_has() {
    try (Telemetry telemetry = collector.client().build()) {
      assertEquals(Jvm.version() >= 22 ? "ffm" : "jna", telemetry.explain().jvm().foreignCalls());
    }
  }

  @Test
  void wrong_input_gives_an_outcome_and_no_exception() {
    try (Telemetry telemetry = collector.open()) {
      // All clients share the queue, which another test may have filled a moment ago.
      assertTimeoutPreemptively(
          Duration.ofSeconds(30),
          () -> {
            while (telemetry.track("a", "b", "c", 1) == Outcome.QUEUE_FULL) {
              Thread.sleep(1);
            }
          });
      assertEquals(Outcome.ERROR_NULL, telemetry.track(null, "b", "c", 1));
      assertEquals(Outcome.ERROR_EMPTY, telemetry.track(" ", "b", "c", 1));
      assertEquals(Outcome.ERROR_TOO_LONG, telemetry.track("x".repeat(501), "b", "c", 1));
      assertEquals(Outcome.ERROR_TOO_LONG, telemetry.track("x".repeat(5_000_000), "b", "c", 1));
      assertEquals(Outcome.ERROR_FORBIDDEN, telemetry.track("https://a.example/", "b", "c", 1));
      assertEquals(Outcome.ERROR_RANGE, telemetry.track("a", "b", "c", -1));
      assertEquals(Outcome.INVALID, telemetry.track("a\0b", "b", "c", 1));
      assertEquals(Outcome.INVALID, telemetry.track("ä\0b", "b", "c", 1));
      assertEquals(Outcome.INVALID, telemetry.track("half \ud83c", "b", "c", 1));
      assertEquals(Outcome.INVALID, telemetry.pluginLoaded("a\0", "1"));
      assertEquals(Outcome.OK, telemetry.pluginLoaded(null, null));
      assertEquals(Outcome.INVALID, telemetry.preview("\0", "b", "c", 1, null, null).outcome());
      assertEquals(Outcome.ERROR_RANGE, telemetry.preview("a", "b", "c", -1, null, null).outcome());
      assertEquals(10, telemetry.stats().notAccepted().get(RefusalReason.INVALID));
    }
  }

  @Test
  void the_longest_event_arrives_whole() {
    String event = "é".repeat(250);
    String action = "ü".repeat(250);
    String other = "ö".repeat(75);
    try (Telemetry telemetry =
        collector.client().protocol(Protocol.UNIVERSAL_ANALYTICS).trackingId("UA-1-1").build()) {
      assertEquals(Outcome.OK, telemetry.track(event, other, action, 1, other, other));
    }
    JsonObject fields = collector.next().getAsJsonObject("fields");
    assertEquals(event, fields.get("event").getAsString());
    assertEquals(action, fields.get("action").getAsString());
    assertEquals(other, fields.get("plugin_version").getAsString());
  }

  @Test
  void wrong_options_make_a_client_that_does_nothing_and_says_why() {
    String reason = "config: `library` must be an object, found 3";
    try (Telemetry telemetry = Collector.opened(Telemetry.builder().option("library", 3))) {
      assertEquals(reason, telemetry.unavailableReason().get());
      assertEquals(Outcome.UNAVAILABLE, telemetry.mockServerStarted());
      assertEquals(Outcome.UNAVAILABLE, telemetry.setEnabled(true));
      assertEquals(Outcome.OK, telemetry.flush());
      assertFalse(telemetry.isEnabled());
      assertEquals(State.UNAVAILABLE, telemetry.explain().state());
      assertEquals(Outcome.UNAVAILABLE, telemetry.track("\0", "b", "c", 1));
      Preview invalid = telemetry.preview("\0", "b", "c", 1, null, null);
      assertEquals(Outcome.UNAVAILABLE, invalid.outcome());
      assertEquals(reason, invalid.reason());
      assertEquals(Outcome.OK, telemetry.close(Duration.ZERO));
    }
    Telemetry half = Collector.opened(Telemetry.builder().library("\ud83c", "X", "1"));
    assertEquals("the options hold half a surrogate pair", half.unavailableReason().get());
  }

  @Test
  void options_reach_the_library_unchanged() {
    try (Telemetry telemetry =
        collector
            .client()
            .queueCapacity(2)
            .exitTimeout(Duration.ofMillis(69).plusNanos(1)) // rounded up
            .id(MachineId.RANDOM)
            .option("quote\"\\\n", null)
            .option("newer", true)
            .build()) {
      JsonObject explained = json(telemetry.explain().json());
      assertEquals(2, explained.get("queue_capacity").getAsInt());
      assertEquals(70, explained.get("exit_timeout_ms").getAsInt());
      assertEquals("random", explained.get("id").getAsString());
      assertTrue(explained.get("diagnostics").toString().contains("newer"));
    }
  }

  @Test
  void a_host_program_that_shows_the_notice_gets_its_text_and_nothing_leaves_before(
      @TempDir Path state) {
    try (Telemetry telemetry = collector.client().stateDir(state).notice(Notice.HOST).build()) {
      JsonObject notice = json(telemetry.explain().json()).getAsJsonObject("notice");
      assertTrue(notice.get("shown_ms").isJsonNull());
      assertNull(telemetry.explain().notice().shown());
      assertTrue(notice.get("text").getAsString().contains("PACT_DO_NOT_TRACK"));
      assertEquals(Outcome.OK, telemetry.mockServerStarted());
      assertEquals(Outcome.KEPT, telemetry.flush());
    }
    Telemetry wrong = Collector.opened(collector.client().option("notice", "nobody"));
    assertEquals(
        "config: `notice` must be one of stderr, host, shown, found \"nobody\"",
        wrong.unavailableReason().get());
  }

  @Test
  void a_text_longer_than_the_first_buffer_is_returned_whole() {
    TelemetryBuilder builder = collector.client();
    for (int i = 0; i < 300; i++) {
      builder.option("a key that the library does not know " + i, i);
    }
    try (Telemetry telemetry = builder.build()) {
      JsonObject explained = json(telemetry.explain().json());
      assertTrue(explained.toString().length() > 9_000);
      assertTrue(explained.get("diagnostics").toString().contains("know 299"));
    }
  }

  @Test
  void preview_shows_the_request_and_sends_nothing() {
    try (Telemetry telemetry = collector.client().build()) {
      JsonObject request = json(telemetry.preview("a", "b", "c", 1, "p", "v").json());
      assertEquals("POST", request.get("method").getAsString());
      assertTrue(request.get("body").getAsString().contains("\"plugin_name\":\"p\""));
    }
    assertNull(collector.next(300L));
  }

  @Test
  void the_host_programs_switch_drops_waiting_events() {
    try (Telemetry telemetry = collector.client().build()) {
      assertTrue(telemetry.isEnabled());
      assertEquals(Outcome.OK, telemetry.mockServerStarted());
      assertEquals(Outcome.OK, telemetry.setEnabled(false));
      assertFalse(telemetry.isEnabled());
      assertEquals(Outcome.DISABLED, telemetry.mockServerStarted());
      telemetry.flush();
      assertNull(collector.next(300L));
      assertEquals(Outcome.OK, telemetry.setEnabled(true));
      assertEquals(Outcome.OK, telemetry.pactsVerified(4));
    }
    assertEquals("pacts_verified", collector.next().get("name").getAsString());
  }

  @Test
  void a_client_that_starts_disabled_can_be_enabled() {
    try (Telemetry telemetry = collector.client().enabled(false).build()) {
      assertEquals(Outcome.DISABLED, telemetry.mockServerStarted());
      assertEquals(State.DISABLED, telemetry.explain().state());
      assertEquals("host", telemetry.explain().rule());
      assertNull(telemetry.explain().jvm().foreignCalls(), "nothing was loaded");
      telemetry.setEnabled(true);
      assertEquals(Outcome.OK, telemetry.mockServerStarted());
    }
    assertEquals(1, collector.next(1).size());
  }

  @Test
  void a_system_property_opts_out_at_once_and_can_be_taken_back() {
    for (String name : List.of("pact_do_not_track", "PACT_DO_NOT_TRACK")) {
      try (Telemetry telemetry = collector.client().build()) {
        assertTrue(telemetry.isEnabled());
        assertEquals(Outcome.OK, telemetry.mockServerStarted());
        System.setProperty(name, " True ");
        assertEquals(Outcome.DISABLED, telemetry.mockServerStarted());
        assertFalse(telemetry.isEnabled());
        expectDropped(telemetry);
        Explanation explained = telemetry.explain();
        assertFalse(explained.enabled());
        assertEquals("system property " + name, explained.rule());
        assertEquals(Map.of(name, " True "), explained.jvm().systemProperties());
        telemetry.setEnabled(true);
        assertFalse(telemetry.isEnabled(), "the host program cannot overrule the person");
        assertNull(collector.next(300L));
        System.setProperty(name, "no");
        assertTrue(telemetry.isEnabled());
        assertEquals(Outcome.OK, telemetry.mockServerStarted());
        telemetry.flush(); // it may return LOST for the first event
        assertEquals(1, collector.next(1).size());
      } finally {
        System.clearProperty(name);
      }
    }
  }

  /** The event is dropped. If the worker had it already, the worker drops it a little later. */
  private static void expectDropped(Telemetry telemetry) {
    assertTimeoutPreemptively(
        Duration.ofSeconds(5),
        () -> {
          while (telemetry.stats().dropped().get(DropReason.OPTED_OUT) != 1) {
            Thread.sleep(5);
          }
        });
  }

  @Test
  void opting_out_also_holds_for_what_close_would_flush() {
    try {
      Telemetry telemetry = collector.client().build();
      assertEquals(Outcome.OK, telemetry.mockServerStarted());
      System.setProperty("pact_do_not_track", "1");
      telemetry.close();
      assertNull(collector.next(300L));
    } finally {
      System.clearProperty("pact_do_not_track");
    }
  }

  @Test
  void values_opt_out_by_the_same_rule_as_in_the_library() {
    for (String none : new String[] {null, "", " ", "0", "false", "NO", " Off "}) {
      assertFalse(OptOut.saysOff(none), none);
    }
    for (String off : new String[] {"1", "true", "yes", "2", "none", "on"}) {
      assertTrue(OptOut.saysOff(off), off);
    }
  }

  @Test
  void flush_and_close_return_in_time_while_the_server_hangs() {
    try (Collector hangs = new Collector("--answers", "hang*")) {
      Telemetry telemetry = hangs.client().build();
      assertEquals(Outcome.OK, telemetry.mockServerStarted());
      long start = System.nanoTime();
      assertEquals(Outcome.ERROR_TIMEOUT, telemetry.flush(Duration.ofMillis(100)));
      assertEquals(Outcome.ERROR_TIMEOUT, telemetry.flush(Duration.ofMillis(-5)));
      assertEquals(Outcome.ERROR_TIMEOUT, telemetry.close(Duration.ZERO));
      assertTrue(System.nanoTime() - start < 2_000_000_000L);
    }
  }

  @Test
  void any_duration_is_a_timeout() {
    try (Telemetry telemetry = collector.client().build()) {
      telemetry.mockServerStarted();
      assertEquals(Outcome.OK, telemetry.flush(Duration.ofSeconds(Long.MAX_VALUE)));
      assertEquals(Outcome.OK, telemetry.flush(Duration.ofSeconds(Long.MIN_VALUE)));
      assertEquals(Outcome.OK, telemetry.flush(null));
    }
  }

  @Test
  void an_unknown_status_is_an_error_if_it_is_negative() {
    assertEquals(Outcome.UNKNOWN, Outcome.of(77));
    assertEquals(Outcome.UNKNOWN_ERROR, Outcome.of(-77));
    assertEquals(
        Outcome.UNKNOWN, Outcome.of(1000), "the binding's own numbers are not the library's");
    assertFalse(Outcome.UNKNOWN.isError());
    assertTrue(Outcome.UNKNOWN_ERROR.isError());
    Library library = Loader.load(System.getenv());
    assertEquals(Outcome.UNKNOWN, library.outcome(77));
    assertEquals("PACT_TELEMETRY_UNKNOWN (77)", library.unknownStatus());
  }
}
