package au.com.dius.pact.telemetry;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What the person decided, where only the JVM can see it, by the native library's own rule. */
final class OptOut {
  private static final String LOWER = "pact_do_not_track";
  private static final String UPPER = "PACT_DO_NOT_TRACK";
  private static final List<String> VARIABLES = List.of(UPPER, LOWER, "DO_NOT_TRACK");

  /** A JVM never sees its environment change, so it is read once. */
  private static final class Environment {
    static final @Nullable String RULE = ruleOf(System.getenv());
  }

  private OptOut() {}

  /** Is it off by a system property? Asked in every track: two look-ups in a hash map. */
  static boolean byProperty() {
    return saysOff(System.getProperty(LOWER)) || saysOff(System.getProperty(UPPER));
  }

  /**
   * Was it off when the JVM was started, by its environment? The native library reads the true
   * environment itself; this tells whether the library has to be loaded at all.
   */
  static boolean byEnvironment() {
    return Environment.RULE != null;
  }

  /** The rule of the environment or of a system property that says off; null if none does. */
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

  /** Those of both properties that are set, as they are now; none where they may not be read. */
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
