<?php

/**
 * Measures what track() costs, and how much of that the binding adds. It is not a test: run it on a quiet machine.
 *
 * PACT_TELEMETRY_COMMAND names the collector, PACT_TELEMETRY_LIBRARY the library, as for `check`.
 */

declare(strict_types=1);

use PactFoundation\Telemetry\Client;
use PactFoundation\Telemetry\Internal\Native;
use PactFoundation\Telemetry\Library;
use PactFoundation\Telemetry\Outcome;

require_once __DIR__ . '/tests/autoload.php';

const BURST = 1000;
const ROUNDS = 60;

$root = \dirname(__DIR__, 2);
if (\getenv('PACT_TELEMETRY_LIBRARY') === false) {
    \putenv("PACT_TELEMETRY_LIBRARY=$root/build/lib/libpact_telemetry.so");
}
$command = \getenv('PACT_TELEMETRY_COMMAND') ?: "$root/target/debug/pact-telemetry";
// The output of the collector goes to a file, so that no pipe fills.
$output = \tempnam(\sys_get_temp_dir(), 'pact-telemetry-');
$descriptors = [['file', '/dev/null', 'r'], ['file', $output, 'w'], ['file', '/dev/null', 'w']];
$collector = \proc_open([$command, 'collect'], $descriptors, $pipes);
do {
    \usleep(1000);
    $url = \json_decode((string) \strtok((string) \file_get_contents($output), "\n"), true)['url'] ?? null;
} while ($url === null);

$library = new Library('bench', 'Bench', '1');
$client = new Client($library, endpoint: $url, measurementId: 'G-1', apiSecret: 's');
$off = new Client($library, endpoint: $url, measurementId: 'G-1', apiSecret: 's', enabled: false);
$native = Native::load();
$config = \json_encode(['library' => $library, 'endpoint' => $url, 'measurement_id' => 'G-1', 'api_secret' => 's']);
$bare = $native->pact_telemetry_new($config, null, 0);

// The loops are written out, because a closure would cost as much as the calls that are measured.
$costs = ['track' => [], 'bare' => [], 'off' => [], 'nothing' => []];
for ($round = 0; $round < ROUNDS; ++$round) {
    $start = \hrtime(true);
    for ($number = 0; $number < BURST; ++$number) {
        $client->track('Pacts verified', 'ProviderTest', 'Completed', 3);
    }
    $costs['track'][] = (\hrtime(true) - $start) / BURST;
    $start = \hrtime(true);
    for ($number = 0; $number < BURST; ++$number) {
        $native->pact_telemetry_track($bare, 'Pacts verified', 'ProviderTest', 'Completed', 3, null, null);
    }
    $costs['bare'][] = (\hrtime(true) - $start) / BURST;
    $start = \hrtime(true);
    for ($number = 0; $number < BURST; ++$number) {
        $off->track('Pacts verified', 'ProviderTest', 'Completed', 3);
    }
    $costs['off'][] = (\hrtime(true) - $start) / BURST;
    $start = \hrtime(true);
    for ($number = 0; $number < BURST; ++$number) {
        $native->pact_telemetry_track(null, 'Pacts verified', 'ProviderTest', 'Completed', 3, null, null);
    }
    $costs['nothing'][] = (\hrtime(true) - $start) / BURST;
    if ($client->flush(10) !== Outcome::Ok || $native->pact_telemetry_flush($bare, 10_000) !== 0) {
        exit("not all events arrived\n");
    }
}
$native->pact_telemetry_free($bare);
\proc_terminate($collector);
\unlink($output);

$medians = [];
foreach ($costs as $name => $all) {
    \sort($all);
    $medians[$name] = $all[\intdiv(ROUNDS, 2)];
}
\printf("track, accepted                                  %8.0f ns\n", $medians['track']);
\printf("a bare foreign call, accepted, the same strings  %8.0f ns\n", $medians['bare']);
\printf("difference                                       %8.0f ns\n", $medians['track'] - $medians['bare']);
\printf("track, turned off                                %8.0f ns\n", $medians['off']);
\printf("a bare foreign call that does nothing            %8.0f ns\n", $medians['nothing']);
\printf("ratio                                            %8.2f\n", $medians['off'] / $medians['nothing']);
