package au.com.dius.pact.telemetry;

/** The kind of program that reports. */
public enum DataSource {
  /** A command line tool. */
  CLI("cli"),
  /** A library inside a person's tests. The default. */
  CLIENT("client"),
  /** A Pact broker. */
  BROKER("broker");

  final String key;

  DataSource(String key) {
    this.key = key;
  }
}
