package au.com.dius.pact.core.support

import au.com.dius.pact.core.support.Utils.lookupVersion
import au.com.dius.pact.telemetry.Telemetry
import java.util.concurrent.ConcurrentHashMap

/**
 * Replaces the object of this name in pact-jvm; its callers do not change. In pact-jvm the test framework belongs to an
 * event, and here to a client, so there is one client for each framework. The clients are never closed: the native
 * library sends the events that wait when the process exits.
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
