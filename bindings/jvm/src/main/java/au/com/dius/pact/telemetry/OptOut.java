package au.com.dius.pact.telemetry;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Opt-outs that only the JVM can see. Values have the same meaning as in the native library. */
final class OptOut {
  private static final String LOWER = "pact_do_not_track";
  private static final String UPPER = "PACT_DO_NOT_TRACK";
  private static final List<String> VARIABLES = List.of(UPPER, LOWER, "DO_NOT_TRACK");

  /** Java does not see changes of the environment, so it is read once. */
  private static final class Environment {
    static final @Nullable String RULE = ruleOf(System.getenv());
  }

  private OptOut() {}

  /** Whether a system property opts out. Every track calls it: it costs two look-ups in a map. */
  static boolean byProperty() {
    return saysOff(System.getProperty(LOWER)) || saysOff(System.getProperty(UPPER));
  }

  /**
   * Whether the environment opted out when the JVM was started. The native library reads the actual
   * environment itself; this tells whether the library has to be loaded at all.
   */
  static boolean byEnvironment() {
    return Environment.RULE != null;
  }

  /** The variable or system property that opts out; null if there is none. */
  static @Nullable String rule() {
    if (Environment.RULE != null) {
      return Environment.RULE;
    }
    for (String name : List.of(LOWER, UPPER)) {
      if (saysOff(System.getProperty(name))) {
        return "system property " + name;
      }
    }
    return null;
  }

  static @Nullable String ruleOf(Map<String, String> environment) {
    for (String name : VARIABLES) {
      if (saysOff(environment.get(name))) {
        return name;
      }
    }
    return null;
  }

  /** The values of the properties that are set now; empty if they may not be read. */
  static Map<String, String> properties() {
    Map<String, String> all = new LinkedHashMap<>();
    try {
      for (String name : List.of(LOWER, UPPER)) {
        String value = System.getProperty(name);
        if (value != null) {
          all.put(name, value);
        }
      }
    } catch (SecurityException forbidden) {
      return Map.of();
    }
    return all;
  }

  static boolean saysOff(@Nullable String value) {
    if (value == null) {
      return false;
    }
    return switch (value.strip().toLowerCase(Locale.ROOT)) {
      case "", "0", "false", "no", "off" -> false;
      default -> true;
    };
  }
}
