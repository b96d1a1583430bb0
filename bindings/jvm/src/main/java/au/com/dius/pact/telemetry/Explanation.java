package au.com.dius.pact.telemetry;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Whether a client is on, which rule decided, and where events would go. It is complete in every
 * state. Without the native library, what only the library knows is null, false, zero or empty.
 *
 * @param outcome {@link Outcome#OK}, or why the native library was not asked
 * @param reason why the native library was not asked, in words; null for {@code OK}
 * @param enabled whether an event would be accepted now
 * @param state the client's state
 * @param rule the rule that turned it off; null if none did
 * @param rules what each rule read and says
 * @param protocol the format in which events are sent
 * @param endpoint the URL they are sent to
 * @param destination the digest that stands for the destination in the state folder
 * @param configured whether there is a destination: credentials, or an endpoint that needs none
 * @param debug whether requests are printed instead of sent
 * @param ci whether this is a CI machine
 * @param exitTimeout the longest wait at process exit
 * @param queueCapacity how many events may wait in memory
 * @param stateDir the folder where events wait for another attempt
 * @param id what identifies the machine
 * @param notice the notice, and whether the person was shown it
 * @param diagnostics the options that the library does not know
 * @param jvm what this package knows
 * @param json the same as a JSON object, with the keys that a newer native library adds
 */
public record Explanation(
    Outcome outcome,
    @Nullable String reason,
    boolean enabled,
    State state,
    @Nullable String rule,
    List<Rule> rules,
    @Nullable Protocol protocol,
    @Nullable String endpoint,
    @Nullable String destination,
    boolean configured,
    boolean debug,
    boolean ci,
    Duration exitTimeout,
    long queueCapacity,
    @Nullable String stateDir,
    @Nullable MachineId id,
    ShownNotice notice,
    List<String> diagnostics,
    Jvm jvm,
    String json) {

  /**
   * What one rule of consent read and says.
   *
   * @param rule its name, such as {@code "PACT_DO_NOT_TRACK"}
   * @param says {@code "on"}, {@code "off"} or {@code "no opinion"}
   * @param read the value that was read; null if there was none
   * @param path the file that it was read from; null for a rule without a file
   */
  public record Rule(String rule, String says, @Nullable Object read, @Nullable String path) {}

  /**
   * The text that tells the person what is collected.
   *
   * @param shown when the notice was shown; null if it was not
   * @param heldUntil the time before which nothing is sent; null if the notice was not shown
   * @param text the text; empty where only the native library has it
   */
  public record ShownNotice(@Nullable Instant shown, @Nullable Instant heldUntil, String text) {}

  /**
   * What this package knows.
   *
   * @param foreignCalls {@code "ffm"} (java.lang.foreign) or {@code "jna"}; null while nothing is
   *     loaded
   * @param host whether the host program's own switch is on
   * @param systemProperties the values of the system properties that opt out; a property that is
   *     not set has no entry
   * @param unknownStatus the last status of a newer native library that this package does not know
   */
  public record Jvm(
      @Nullable String foreignCalls,
      boolean host,
      Map<String, String> systemProperties,
      @Nullable String unknownStatus) {}

  /**
   * The JSON text.
   *
   * @return {@link #json()}
   */
  @Override
  public String toString() {
    return json;
  }
}
