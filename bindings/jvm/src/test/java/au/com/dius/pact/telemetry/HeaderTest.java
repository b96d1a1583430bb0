package au.com.dius.pact.telemetry;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The native layer matches the header, and the names match constants.json. */
class HeaderTest {
  private static final Pattern STATUS = Pattern.compile("PACT_TELEMETRY_(\\w+) = (-?\\d+)");
  private static final Pattern FUNCTION =
      Pattern.compile("^([\\w ]+[ *]+)(pact_telemetry_\\w+)\\(([^)]*)\\);", Pattern.MULTILINE);

  @Test
  void every_function_is_there_with_its_parameters() throws IOException {
    Map<String, String> declared = new TreeMap<>();
    matches(FUNCTION, header())
        .forEach(it -> declared.put(it.group(2), signature(it.group(1), it.group(3))));
    Map<String, String> mirrored = new TreeMap<>();
    for (Method method : Native.class.getDeclaredMethods()) {
      StringBuilder signature = new StringBuilder(method.getReturnType() + "(");
      for (Class<?> parameter : method.getParameterTypes()) {
        signature.append(parameter).append(' ');
      }
      mirrored.put(method.getName(), signature.toString().strip() + ")");
    }
    assertEquals(declared, mirrored);
    assertEquals(14, mirrored.size());
  }

  @Test
  void every_status_is_there_and_has_an_outcome() throws Exception {
    Map<String, Integer> declared = new TreeMap<>();
    matches(STATUS, header())
        .forEach(it -> declared.put(it.group(1), Integer.valueOf(it.group(2))));
    Map<String, Integer> mirrored = new TreeMap<>();
    Map<String, Integer> outcomes = new TreeMap<>();
    for (Field field : Native.class.getDeclaredFields()) {
      if (!field.getName().equals("ABI_VERSION")) {
        int status = field.getInt(null);
        mirrored.put(field.getName(), status);
        outcomes.put(Outcome.of(status).name(), status);
      }
    }
    assertEquals(declared, mirrored);
    assertEquals(declared, outcomes);
  }

  @Test
  void the_four_events_have_the_published_names() throws IOException {
    JsonObject constants =
        JsonParser.parseString(
                Files.readString(Collector.root().resolve("include/pact_telemetry.constants.json")))
            .getAsJsonObject();
    try (Collector collector = new Collector();
        Telemetry telemetry = collector.client().build()) {
      telemetry.consumerTestsRan(3);
      expect(collector, telemetry, constants, "PACT_CONSUMER_TESTS_RAN/CONSUMER_TEST/COMPLETED/3");
      telemetry.pactsVerified(2);
      expect(collector, telemetry, constants, "PACTS_VERIFIED/PROVIDER_TEST/COMPLETED/2");
      telemetry.pluginLoaded("protobuf", "0.5.0");
      expect(collector, telemetry, constants, "PLUGIN_LOADED/PLUGIN/LOADED/1");
      telemetry.mockServerStarted();
      expect(
          collector,
          telemetry,
          constants,
          "PACT_MOCK_SERVER_STARTED/CONSUMER_TEST/MOCK_SERVER_STARTED/1");
    }
  }

  private static void expect(
      Collector collector, Telemetry telemetry, JsonObject constants, String keys) {
    telemetry.flush(); // other tests may have used up the time that this process may wait
    JsonObject fields = collector.next().getAsJsonObject("fields");
    String[] key = keys.split("/");
    assertEquals(constants.get("EVENT_" + key[0]), fields.get("event"));
    assertEquals(constants.get("CATEGORY_" + key[1]), fields.get("category"));
    assertEquals(constants.get("ACTION_" + key[2]), fields.get("action"));
    assertEquals(key[3], fields.get("value").getAsString());
  }

  private static String header() throws IOException {
    return Files.readString(Collector.root().resolve("include/pact_telemetry.ffi.h"));
  }

  private static Stream<MatchResult> matches(Pattern pattern, String text) {
    return pattern.matcher(text).results();
  }

  private static String signature(String result, String parameters) {
    StringBuilder signature = new StringBuilder(type(result) + "(");
    if (!parameters.equals("void")) {
      for (String parameter : parameters.split(",")) {
        signature.append(type(parameter)).append(' ');
      }
    }
    return signature.toString().strip() + ")";
  }

  private static String type(String declaration) {
    if (declaration.contains("*") || declaration.contains("int64_t")) {
      return "long";
    }
    return declaration.contains("int32_t") ? "int" : declaration.strip();
  }
}
