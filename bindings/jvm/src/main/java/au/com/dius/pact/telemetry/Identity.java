package au.com.dius.pact.telemetry;

import java.lang.StackWalker.Option;
import java.util.HashMap;
import java.util.Map;

/** What the runtime knows of itself. Looks only at what is loaded already. */
final class Identity {
  /** Beginnings of class names; a framework that runs on top of another comes before it. */
  private static final String[][] FRAMEWORKS = {
    {"org.spockframework.", "Spock"},
    {"io.kotest.", "Kotest"},
    {"org.testng.", "TestNG"},
    {"org.junit.jupiter.", "JUnit 5"},
    {"org.junit.runners.", "JUnit 4"},
  };

  private Identity() {}

  static String platformVersion() {
    return "Java " + System.getProperty("java.version");
  }

  /** The test framework that calls, or null: whose classes are on this thread's stack. */
  static String testFramework() {
    Map<String, Class<?>> found = new HashMap<>();
    StackWalker.getInstance(Option.RETAIN_CLASS_REFERENCE)
        .forEach(
            frame -> {
              String prefix = prefixOf(frame.getClassName());
              if (prefix != null) {
                found.put(prefix, frame.getDeclaringClass());
              }
            });
    for (String[] framework : FRAMEWORKS) {
      Class<?> seen = found.get(framework[0]);
      if (seen != null) {
        return nameOf(framework[1], seen.getPackage().getImplementationVersion());
      }
    }
    return null;
  }

  private static String prefixOf(String className) {
    for (String[] framework : FRAMEWORKS) {
      if (className.startsWith(framework[0])) {
        return framework[0];
      }
    }
    return null;
  }

  /** Jupiter kept its packages when JUnit went on to 6: there the jar's version tells. */
  static String nameOf(String framework, String version) {
    boolean six = framework.equals("JUnit 5") && version != null && version.startsWith("6.");
    return six ? "JUnit 6" : framework;
  }
}
