package au.com.dius.pact.telemetry;

import org.jspecify.annotations.Nullable;

/** The texts and the value of one event, as the native library takes them. */
record Event(
    byte @Nullable [] event,
    byte @Nullable [] category,
    byte @Nullable [] action,
    long value,
    byte @Nullable [] pluginName,
    byte @Nullable [] pluginVersion) {

  private static final int LONGEST = 500;
  private static final int LONGEST_OTHER = 150;

  /**
   * The outcome that the native library will give this event, as far as it can be known without the
   * library. An event that would be refused must not wait for the library. Returns {@link
   * Outcome#OK} where only the library can decide.
   */
  Outcome checked() {
    if (event == null || category == null || action == null) {
      return Outcome.ERROR_NULL;
    }
    if (isBlank(event) || isBlank(category) || isBlank(action)) {
      return Outcome.ERROR_EMPTY;
    }
    if (length(event) > LONGEST
        || length(action) > LONGEST
        || length(category) > LONGEST_OTHER
        || length(pluginName) > LONGEST_OTHER
        || length(pluginVersion) > LONGEST_OTHER) {
      return Outcome.ERROR_TOO_LONG;
    }
    return value < 0 ? Outcome.ERROR_RANGE : Outcome.OK;
  }

  /** Makes the JVM load this class before the first track. */
  static void warmUp() {
    new Event(null, null, null, 0, null, null).checked();
  }

  private static boolean isBlank(byte[] text) {
    for (byte one : text) {
      if (one < 0 || one > ' ') {
        return false;
      }
    }
    return true;
  }

  private static int length(byte @Nullable [] text) {
    return text == null ? 0 : text.length - 1;
  }
}
