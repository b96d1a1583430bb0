/** Anonymous usage events of the Pact libraries. */
@SuppressWarnings("requires-automatic") // JNA and the natives have no module-info of their own.
module au.com.dius.pact.telemetry {
  requires com.sun.jna;
  requires au.com.dius.pact.telemetry.natives;
  requires static transitive org.jspecify;

  exports au.com.dius.pact.telemetry;
}
