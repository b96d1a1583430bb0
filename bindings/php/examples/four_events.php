<?php

/**
 * Reports the four events of the Pact libraries. Run it with a collector of your own:
 * `pact-telemetry demo php examples/four_events.php`.
 */

declare(strict_types=1);

use PactFoundation\Telemetry\Client;
use PactFoundation\Telemetry\Library;

require_once \is_file(__DIR__ . '/../vendor/autoload.php')
    ? __DIR__ . '/../vendor/autoload.php'
    : __DIR__ . '/../tests/autoload.php';

$telemetry = new Client(new Library('pact-php', 'Pact PHP', '1.0.0'));
echo 'consumer tests ran:  ', $telemetry->consumerTestsRan(3)->value, "\n";
echo 'pacts verified:      ', $telemetry->pactsVerified(2)->value, "\n";
echo 'plugin loaded:       ', $telemetry->pluginLoaded('protobuf', '0.5.4')->value, "\n";
echo 'mock server started: ', $telemetry->mockServerStarted()->value, "\n";
if ($telemetry->unavailableReason !== null) {
    echo $telemetry->unavailableReason, "\n";
}
