package au.com.dius.pact.telemetry;

import org.jspecify.annotations.Nullable;

/**
 * The request that would carry one event alone. Where there is none, {@code method}, {@code url},
 * {@code contentType} and {@code body} are null, and {@code outcome} and {@code reason} say why.
 *
 * @param outcome {@link Outcome#OK}, or why there is no request
 * @param reason why there is no request, in words; null for {@code OK}
 * @param method such as {@code "POST"}
 * @param url the URL that it would be sent to
 * @param contentType such as {@code "application/json"}
 * @param body the exact bytes, as text
 * @param json the same as a JSON object, with the keys that a newer native library adds
 */
public record Preview(
    Outcome outcome,
    @Nullable String reason,
    @Nullable String method,
    @Nullable String url,
    @Nullable String contentType,
    @Nullable String body,
    String json) {

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
