package au.com.dius.pact.telemetry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class AnswersTest {
  private final Collector collector = new Collector();

  @AfterEach
  void stopCollector() {
    collector.close();
  }

  @Test
  void every_key_is_there_in_every_state() {
    Telemetry working = collector.open();
    Telemetry disabled = collector.client().enabled(false).build();
    Telemetry unavailable = Collector.opened(Telemetry.builder());
    Telemetry closed = collector.open();
    closed.close();
    assertEquals(State.ENABLED, working.explain().state());
    assertEquals(Outcome.OK, working.explain().outcome());
    for (Telemetry other : List.of(disabled, unavailable, closed)) {
      assertHasKeys(working.explain().json(), other.explain().json());
      assertHasKeys(working.stats().json(), other.stats().json());
      assertHasKeys(preview(working).json(), preview(other).json());
      assertTrue(other.explain().reason() != null);
      assertEquals(Set.of(DropReason.values()), other.stats().dropped().keySet());
      assertEquals(Set.of(RefusalReason.values()), other.stats().notAccepted().keySet());
    }
    working.close();
  }

  private static Preview preview(Telemetry telemetry) {
    return telemetry.preview("a", "b", "c", 1, null, null);
  }

  private static void assertHasKeys(String wanted, String found) {
    Set<String> missing = keys("", Json.readObject(wanted));
    missing.removeAll(keys("", Json.readObject(found)));
    assertEquals(Set.of(), missing, found);
  }

  private static Set<String> keys(String path, Map<?, ?> object) {
    Set<String> all = new TreeSet<>();
    object.forEach(
        (key, value) -> {
          all.add(path + key);
          if (value instanceof Map<?, ?> inner && !key.equals("system_properties")) {
            all.addAll(keys(path + key + ".", inner));
          }
        });
    return all;
  }

  @Test
  void reasons_of_a_newer_library_are_counted_together() {
    Map<String, Object> all = Answers.emptyStats();
    Answers.lay(
        all, Json.readObject("{\"accepted\":9,\"dropped\":{\"debug\":2,\"newer\":3,\"other\":4}}"));
    Stats stats = Answers.stats(Outcome.OK, null, all);
    assertEquals(7, stats.dropped().get(DropReason.UNKNOWN));
    assertEquals(2, stats.dropped().get(DropReason.DEBUG));
    assertTrue(stats.json().contains("\"newer\":3"));
  }

  @Test
  void json_is_read_as_it_is_written() {
    String text =
        "{\"a\":[1,-2.5,true,null,{}],\"b\":\"\\u00e9\\\\\\\"\\n\",\"c\":{\"d\":[]},\"e\":1e3}";
    Map<String, Object> read = Json.readObject(" " + text + " ");
    assertEquals("é\\\"\n", read.get("b"));
    assertEquals(read, Json.readObject(Json.write(read)));
    for (String wrong : List.of("", "{", "{\"a\"}", "{\"a\":tru}", "{} {}", "[1]", "{\"a\":x}")) {
      assertThrows(IllegalArgumentException.class, () -> Json.readObject(wrong), wrong);
    }
  }
}
