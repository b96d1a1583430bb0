package au.com.dius.pact.telemetry;

import java.lang.StackWalker.Option;
import java.lang.StackWalker.StackFrame;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The version of Java and the test framework. Looks only at classes that are loaded already. */
final class Identity {
  /** Prefixes of class names. A framework that runs on top of another one comes before it. */
  private static final String[][] FRAMEWORKS = {
    {"org.spockframework.", "Spock"},
    {"io.kotest.", "Kotest"},
    {"org.testng.", "TestNG"},
    {"org.junit.jupiter.", "JUnit 5"},
    {"org.junit.runners.", "JUnit 4"},
  };

  private Identity() {}

  /** The version of Java, or null if the JVM does not permit reading it. */
  static @Nullable String platformVersion() {
    try {
      return "Java " + System.getProperty("java.version");
    } catch (SecurityException forbidden) {
      return null;
    }
  }

  /** The test framework whose classes are on this thread's stack; null if there is none. */
  static @Nullable String testFramework() {
    try {
      return frameworkOnStack();
    } catch (RuntimeException | LinkageError forbidden) {
      return null;
    }
  }

  private static @Nullable String frameworkOnStack() {
    Map<String, Class<?>> found = new HashMap<>();
    // No lambda: the first one of a JVM costs tens of milliseconds, which build() must not cost.
    StackWalker.getInstance(Option.RETAIN_CLASS_REFERENCE)
        .forEach(
            new Consumer<StackFrame>() {
              @Override
              public void accept(StackFrame frame) {
                String prefix = prefixOf(frame.getClassName());
                if (prefix != null) {
                  found.put(prefix, frame.getDeclaringClass());
                }
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

  private static @Nullable String prefixOf(String className) {
    for (String[] framework : FRAMEWORKS) {
      if (className.startsWith(framework[0])) {
        return framework[0];
      }
    }
    return null;
  }

  /** JUnit 5 and 6 have the same packages: the version of the jar tells them apart. */
  static String nameOf(String framework, @Nullable String version) {
    boolean six = framework.equals("JUnit 5") && version != null && version.startsWith("6.");
    return six ? "JUnit 6" : framework;
  }
}
