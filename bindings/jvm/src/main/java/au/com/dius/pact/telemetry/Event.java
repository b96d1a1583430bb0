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
   * What the native library will answer to this event, as far as that can be told without it: an
   * event that waits for the library is to be kept only if it is likely to be taken. Returns {@link
   * Outcome#OK} where only the library can tell.
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

  /** Has what the first track needs loaded beforehand. */
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
