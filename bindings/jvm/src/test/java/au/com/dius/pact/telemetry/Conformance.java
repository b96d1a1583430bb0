package au.com.dius.pact.telemetry;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;

/** Replays the conformance cases on standard input through the native layer. */
public final class Conformance {
  private static final Gson GSON =
      new GsonBuilder().serializeNulls().disableHtmlEscaping().create();

  private final Library library = Loader.load(System.getenv());
  private final Calls calls = library.calls();

  private Conformance() {}

  public static void main(String[] none) throws Exception {
    Conformance replayer = new Conformance();
    if (replayer.calls == null) {
      System.err.println(replayer.library.missing());
      System.exit(1);
    }
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    for (String line; (line = in.readLine()) != null; ) {
      if (!line.isBlank()) {
        out.println(GSON.toJson(replayer.replay(JsonParser.parseString(line).getAsJsonObject())));
      }
    }
  }

  private JsonObject replay(JsonObject given) {
    Calls.Created created = calls.create(text(given, "config"));
    JsonArray results = new JsonArray();
    for (JsonElement call : given.getAsJsonArray("calls")) {
      results.add(call(created.client(), call.getAsJsonObject()));
    }
    calls.backend().pact_telemetry_free(created.client());
    JsonObject answer = new JsonObject();
    answer.add("name", given.get("name"));
    answer.addProperty("new", created.client() == 0 ? created.error() : null);
    answer.add("results", results);
    return answer;
  }

  private JsonElement call(long client, JsonObject call) {
    Native header = calls.backend();
    return switch (call.get("call").getAsString()) {
      case "track" -> new JsonPrimitive(calls.track(client, event(call)));
      case "preview" -> written(call, calls.previewer(client, event(call)));
      case "explain" ->
          written(call, (out, capacity) -> header.pact_telemetry_explain(client, out, capacity));
      case "stats" ->
          written(call, (out, capacity) -> header.pact_telemetry_stats(client, out, capacity));
      case "set_enabled" ->
          new JsonPrimitive(
              header.pact_telemetry_set_enabled(client, (int) number(call, "enabled", 0)));
      case "is_enabled" -> new JsonPrimitive(header.pact_telemetry_is_enabled(client));
      case "persist" ->
          new JsonPrimitive(
              header.pact_telemetry_persist(client, (int) number(call, "timeout_ms", 0)));
      case "flush" ->
          new JsonPrimitive(
              header.pact_telemetry_flush(client, (int) number(call, "timeout_ms", 0)));
      case "close" ->
          new JsonPrimitive(
              header.pact_telemetry_close(client, (int) number(call, "timeout_ms", 0)));
      case "status_name" -> new JsonPrimitive(calls.statusName((int) number(call, "status", 0)));
      case "version" -> new JsonPrimitive(calls.version());
      case "abi_version" ->
          new JsonPrimitive(Integer.toUnsignedLong(header.pact_telemetry_abi_version()));
      // A JVM cannot change its environment, so `setenv` is unsupported, too.
      default -> new JsonPrimitive("unsupported");
    };
  }

  private static Event event(JsonObject call) {
    return new Event(
        text(call, "event"),
        text(call, "category"),
        text(call, "action"),
        number(call, "value", 0),
        text(call, "plugin_name"),
        text(call, "plugin_version"));
  }

  private JsonElement written(JsonObject call, Calls.Writer writer) {
    int capacity = (int) number(call, "capacity", 65_536);
    ByteBuffer out = ByteBuffer.allocateDirect(Math.max(1, capacity));
    int length = calls.write(writer, out, capacity);
    return length < 0 ? new JsonPrimitive(length) : new JsonPrimitive(Calls.textIn(out));
  }

  private static long number(JsonObject call, String key, long missing) {
    JsonElement value = call.get(key);
    return value == null || value.isJsonNull() ? missing : value.getAsLong();
  }

  /** A C string from a string, null, or {"hex": …}, unchecked: the library has to check it. */
  private static byte[] text(JsonObject call, String key) {
    JsonElement value = call.get(key);
    if (value == null || value instanceof JsonNull) {
      return null;
    }
    byte[] bytes =
        value instanceof JsonObject raw
            ? HexFormat.of().parseHex(raw.get("hex").getAsString())
            : value.getAsString().getBytes(StandardCharsets.UTF_8);
    return Arrays.copyOf(bytes, bytes.length + 1);
  }
}
