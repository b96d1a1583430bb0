import au.com.dius.pact.telemetry.Telemetry

/** `use` closes the client, as with every AutoCloseable. */
fun main() {
    Telemetry.builder()
        .library("my-pact", "My Pact", "1.0.0")
        .platformVersion("Kotlin ${KotlinVersion.CURRENT}")
        .build()
        .use { telemetry -> println(telemetry.pactsVerified(2)) }
}
