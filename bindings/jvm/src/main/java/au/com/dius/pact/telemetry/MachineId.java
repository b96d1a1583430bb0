package au.com.dius.pact.telemetry;

/** What identifies the machine in an event. */
public enum MachineId {
  /** The digest of its hostname. The default. */
  HOSTNAME("hostname"),
  /** A random number that is kept in the state folder. */
  RANDOM("random");

  final String key;

  MachineId(String key) {
    this.key = key;
  }
}
