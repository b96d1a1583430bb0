import au.com.dius.pact.telemetry.Outcome;
import au.com.dius.pact.telemetry.Telemetry;
import java.time.Duration;

/**
 * Reports the four events of the Pact libraries. Run {@code mvn -f reactor.xml install} two folders
 * up, start a collector ({@code pact-telemetry collect}), and then, with its port as PORT:
 *
 * <pre>
 * export PACT_TELEMETRY_ENDPOINT=http://127.0.0.1:PORT PACT_TELEMETRY_MEASUREMENT_ID=G-1 PACT_TELEMETRY_API_SECRET=s
 * java -cp "../../target/telemetry-1.0.0-alpha.1.jar:../../target/lib/*" FourEvents.java
 * </pre>
 */
public final class FourEvents {
  private FourEvents() {}

  public static void main(String[] arguments) {
    Telemetry telemetry = Telemetry.builder().library("my-pact", "My Pact", "1.0.0").build();
    System.out.println(telemetry.mockServerStarted());
    System.out.println(telemetry.consumerTestsRan(3));
    System.out.println(telemetry.pactsVerified(2));
    System.out.println(telemetry.pluginLoaded("protobuf", "0.5.0"));
    Outcome outcome = telemetry.close(Duration.ofMillis(500));
    telemetry.unavailableReason().ifPresent(System.err::println);
    System.out.println("closed: " + outcome);
  }
}
