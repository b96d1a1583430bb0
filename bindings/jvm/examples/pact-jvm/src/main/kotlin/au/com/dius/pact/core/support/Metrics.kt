package au.com.dius.pact.core.support

import au.com.dius.pact.core.support.Utils.lookupVersion
import au.com.dius.pact.telemetry.Telemetry
import java.util.concurrent.ConcurrentHashMap

/**
 * Takes the place of the class of this name in pact-jvm, without a change where it is called. The test framework
 * belongs to an event there and to a client here, so there is one client for each framework. They are never closed:
 * the native library takes care of what waits at the end of the process.
 */
object Metrics {
    private val clients = ConcurrentHashMap<String, Telemetry>()

    fun sendMetrics(event: MetricEvent) {
        clients.computeIfAbsent(event.testFramework().orEmpty(), ::client)
            .track(event.name(), event.category(), event.action(), event.value().toLong())
    }

    private fun client(testFramework: String): Telemetry =
        Telemetry.builder()
            .library("pact-jvm", "Pact JVM", lookupVersion(MetricEvent::class.java))
            .testFramework(testFramework)
            .build()
}
