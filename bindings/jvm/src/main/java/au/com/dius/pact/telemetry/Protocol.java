package au.com.dius.pact.telemetry;

/** The format in which events are sent. */
public enum Protocol {
  /** The Measurement Protocol of Google Analytics 4. The default. */
  GA4("ga4"),
  /** The Measurement Protocol of Universal Analytics, version 1, for relays that understand it. */
  UNIVERSAL_ANALYTICS("universal-analytics"),
  /** OTLP/HTTP logs in JSON, for any OpenTelemetry collector. */
  OTLP("otlp");

  final String key;

  Protocol(String key) {
    this.key = key;
  }
}
