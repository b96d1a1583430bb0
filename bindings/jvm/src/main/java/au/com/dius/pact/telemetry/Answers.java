package au.com.dius.pact.telemetry;

import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Turns the native library's JSON into the records of this package. A key that the text lacks gets
 * its empty value, so every record is complete in every state.
 */
final class Answers {
  private Answers() {}

  /** The documented keys of {@code stats} with their empty values. */
  static Map<String, @Nullable Object> emptyStats() {
    Map<String, @Nullable Object> all = new LinkedHashMap<>();
    for (String key : List.of("accepted", "delivered", "unconfirmed", "queued", "spooled")) {
      all.put(key, 0L);
    }
    all.put("dropped", emptyDropped());
    all.put("not_accepted", emptyRefused());
    all.put("last_failure", null);
    all.put(
        "left_by_others",
        new LinkedHashMap<>(Map.of("delivered", 0L, "unconfirmed", 0L, "dropped", 0L)));
    return all;
  }

  private static Map<String, @Nullable Object> emptyDropped() {
    Map<String, @Nullable Object> all = new LinkedHashMap<>();
    for (DropReason reason : DropReason.values()) {
      if (reason != DropReason.UNKNOWN) {
        all.put(reason.key, 0L);
      }
    }
    return all;
  }

  private static Map<String, @Nullable Object> emptyRefused() {
    Map<String, @Nullable Object> all = new LinkedHashMap<>();
    for (RefusalReason reason : RefusalReason.values()) {
      if (reason != RefusalReason.UNKNOWN) {
        all.put(reason.key, 0L);
      }
    }
    return all;
  }

  /** The documented keys of {@code explain} with their empty values. */
  static Map<String, @Nullable Object> emptyExplanation(State state) {
    Map<String, @Nullable Object> all = new LinkedHashMap<>();
    all.put("enabled", false);
    all.put("state", state.key);
    for (String key : List.of("rule", "protocol", "endpoint", "destination", "state_dir", "id")) {
      all.put(key, null);
    }
    for (String key : List.of("configured", "debug", "ci")) {
      all.put(key, false);
    }
    all.put("exit_timeout_ms", 0L);
    all.put("queue_capacity", 0L);
    all.put("rules", List.of());
    all.put("diagnostics", List.of());
    Map<String, @Nullable Object> notice = new LinkedHashMap<>();
    notice.put("shown_ms", null);
    notice.put("hold_until_ms", null);
    notice.put("text", "");
    all.put("notice", notice);
    return all;
  }

  /** Copies the values of one object into another, and does the same with objects inside it. */
  static void lay(Map<String, @Nullable Object> under, Map<String, @Nullable Object> over) {
    over.forEach(
        (key, value) -> {
          if (value instanceof Map && under.get(key) instanceof Map) {
            lay(object(under, key), object(over, key));
          } else {
            under.put(key, value);
          }
        });
  }

  static void add(Map<String, @Nullable Object> object, String key, long more) {
    if (more == 0) {
      return;
    }
    object.put(key, number(object, key) + more);
  }

  static Stats stats(Outcome outcome, @Nullable String reason, Map<String, @Nullable Object> all) {
    Map<DropReason, Long> dropped = new EnumMap<>(DropReason.class);
    long droppedElse = sum(object(all, "dropped"));
    for (DropReason one : DropReason.values()) {
      long count = number(object(all, "dropped"), one.key);
      dropped.put(one, count);
      droppedElse -= count;
    }
    dropped.merge(DropReason.UNKNOWN, droppedElse, Long::sum);
    Map<RefusalReason, Long> refused = new EnumMap<>(RefusalReason.class);
    long refusedElse = sum(object(all, "not_accepted"));
    for (RefusalReason one : RefusalReason.values()) {
      long count = number(object(all, "not_accepted"), one.key);
      refused.put(one, count);
      refusedElse -= count;
    }
    refused.merge(RefusalReason.UNKNOWN, refusedElse, Long::sum);
    Map<String, @Nullable Object> others = object(all, "left_by_others");
    return new Stats(
        outcome,
        reason,
        number(all, "accepted"),
        number(all, "delivered"),
        number(all, "unconfirmed"),
        number(all, "queued"),
        number(all, "spooled"),
        Collections.unmodifiableMap(dropped),
        Collections.unmodifiableMap(refused),
        text(all, "last_failure"),
        new Stats.LeftByOthers(
            number(others, "delivered"), number(others, "unconfirmed"), number(others, "dropped")),
        json(outcome, reason, all));
  }

  static Explanation explanation(
      Outcome outcome,
      @Nullable String reason,
      Map<String, @Nullable Object> all,
      Explanation.Jvm jvm) {
    Map<String, @Nullable Object> binding = new LinkedHashMap<>();
    binding.put("foreign_calls", jvm.foreignCalls());
    binding.put("host", jvm.host() ? "on" : "off");
    binding.put("system_properties", jvm.systemProperties());
    binding.put("unknown_status", jvm.unknownStatus());
    all.put("jvm", binding);
    Map<String, @Nullable Object> notice = object(all, "notice");
    String noticeText = text(notice, "text");
    return new Explanation(
        outcome,
        reason,
        Boolean.TRUE.equals(all.get("enabled")),
        State.of(all.get("state")),
        text(all, "rule"),
        list(all, "rules").stream().map(Answers::rule).toList(),
        protocol(all.get("protocol")),
        text(all, "endpoint"),
        text(all, "destination"),
        Boolean.TRUE.equals(all.get("configured")),
        Boolean.TRUE.equals(all.get("debug")),
        Boolean.TRUE.equals(all.get("ci")),
        Duration.ofMillis(number(all, "exit_timeout_ms")),
        number(all, "queue_capacity"),
        text(all, "state_dir"),
        machineId(all.get("id")),
        new Explanation.ShownNotice(
            instant(notice.get("shown_ms")),
            instant(notice.get("hold_until_ms")),
            noticeText == null ? "" : noticeText),
        list(all, "diagnostics").stream().map(String::valueOf).toList(),
        jvm,
        json(outcome, reason, all));
  }

  private static @Nullable Instant instant(@Nullable Object value) {
    return value instanceof Long millis ? Instant.ofEpochMilli(millis) : null;
  }

  /** Stands for the state of this package when an internal error prevents reading it. */
  static Explanation.Jvm unknownJvm() {
    return new Explanation.Jvm(null, false, Map.of(), null);
  }

  static Preview preview(
      Outcome outcome, @Nullable String reason, Map<String, @Nullable Object> request) {
    Map<String, @Nullable Object> all = new LinkedHashMap<>();
    for (String key : List.of("method", "url", "content_type", "body")) {
      all.put(key, null);
    }
    lay(all, request);
    return new Preview(
        outcome,
        reason,
        text(all, "method"),
        text(all, "url"),
        text(all, "content_type"),
        text(all, "body"),
        json(outcome, reason, all));
  }

  private static Explanation.Rule rule(@Nullable Object given) {
    Map<String, @Nullable Object> rule =
        given instanceof Map ? object(Collections.singletonMap("it", given), "it") : Map.of();
    return new Explanation.Rule(
        String.valueOf(rule.get("rule")),
        String.valueOf(rule.get("says")),
        rule.get("read"),
        text(rule, "path"));
  }

  private static @Nullable Protocol protocol(@Nullable Object key) {
    for (Protocol protocol : Protocol.values()) {
      if (protocol.key.equals(key)) {
        return protocol;
      }
    }
    return null;
  }

  private static @Nullable MachineId machineId(@Nullable Object key) {
    for (MachineId id : MachineId.values()) {
      if (id.key.equals(key)) {
        return id;
      }
    }
    return null;
  }

  private static String json(
      Outcome outcome, @Nullable String reason, Map<String, @Nullable Object> all) {
    Map<String, @Nullable Object> whole = new LinkedHashMap<>();
    whole.put("outcome", outcome.name().toLowerCase(Locale.ROOT));
    whole.put("reason", reason);
    whole.putAll(all);
    return Json.write(whole);
  }

  /** The object of a key, or an empty object if there is none. */
  @SuppressWarnings("unchecked") // Json makes no maps with other keys.
  static Map<String, @Nullable Object> object(
      Map<String, ? extends @Nullable Object> in, String key) {
    return in.get(key) instanceof Map<?, ?> map ? (Map<String, @Nullable Object>) map : Map.of();
  }

  private static List<?> list(Map<String, @Nullable Object> in, String key) {
    return in.get(key) instanceof List<?> list ? list : List.of();
  }

  private static long number(Map<String, @Nullable Object> in, String key) {
    return in.get(key) instanceof Number number ? number.longValue() : 0;
  }

  private static @Nullable String text(Map<String, @Nullable Object> in, String key) {
    return in.get(key) instanceof String text ? text : null;
  }

  private static long sum(Map<String, @Nullable Object> counts) {
    return counts.values().stream()
        .mapToLong(count -> count instanceof Number number ? number.longValue() : 0)
        .sum();
  }
}
