package au.com.dius.pact.telemetry;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** What the person said where only the JVM can see it, by the library's own rule. */
final class OptOut {
  static final String LOWER = "pact_do_not_track";
  static final String UPPER = "PACT_DO_NOT_TRACK";

  private OptOut() {}

  /** Is it off by a system property? Asked in every track: two look-ups in a hash map. */
  static boolean byProperty() {
    return says(System.getProperty(LOWER)) || says(System.getProperty(UPPER));
  }

  /**
   * Was it off when the JVM was started, by its environment? The library looks at the true
   * environment itself; this tells whether it need be loaded at all.
   */
  static boolean byEnvironment(Map<String, String> environment) {
    return says(environment.get(UPPER))
        || says(environment.get(LOWER))
        || says(environment.get("DO_NOT_TRACK"));
  }

  /** Both properties as they are now, for {@link Telemetry#explain()}. */
  static Map<String, Object> properties() {
    Map<String, Object> all = new LinkedHashMap<>();
    for (String name : new String[] {LOWER, UPPER}) {
      Map<String, Object> one = new LinkedHashMap<>();
      String read = System.getProperty(name);
      one.put("read", read);
      one.put("says", says(read) ? "off" : "no opinion");
      all.put(name, one);
    }
    return all;
  }

  static boolean says(String value) {
    if (value == null) {
      return false;
    }
    return switch (value.strip().toLowerCase(Locale.ROOT)) {
      case "", "0", "false", "no", "off" -> false;
      default -> true;
    };
  }
}
