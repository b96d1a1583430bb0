/**
 * Anonymous usage events of the Pact libraries, for the JVM. Begin with {@link
 * au.com.dius.pact.telemetry.Telemetry}.
 */
@NullMarked
package au.com.dius.pact.telemetry;

import org.jspecify.annotations.NullMarked;
