package example;

import au.com.dius.pact.telemetry.Telemetry;

/** Reports one event, as a Pact library would while tests run. */
final class Report {
  private static final Telemetry CLIENT = Telemetry.builder().library("pact-jvm", "Pact JVM", "1.0.0").build();

  private Report() {}

  static void one(int number) {
    CLIENT.consumerTestsRan(Integer.parseInt(System.getenv("BASE")) + number);
  }
}
