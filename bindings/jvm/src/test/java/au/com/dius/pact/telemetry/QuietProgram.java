package au.com.dius.pact.telemetry;

/** A client that requires native access, so that the JVM prints no warning. */
public final class QuietProgram {
  private QuietProgram() {}

  public static void main(String[] none) {
    Telemetry telemetry =
        Telemetry.builder().library("pact-jvm", "Pact JVM", "4.7.0").requireNativeAccess().build();
    System.out.println(telemetry.mockServerStarted());
    System.out.println(telemetry.unavailableReason().orElse("available"));
  }
}
