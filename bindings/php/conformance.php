<?php

/**
 * Replays conformance cases through the native layer. Each line of the input is a JSON object, and so is each line of
 * the output.
 */

declare(strict_types=1);

use PactFoundation\Telemetry\Internal\Native;

require_once __DIR__ . '/tests/autoload.php';

const UNSUPPORTED = 'unsupported';

/** A text contains a NUL, which C would take for its end. */
final class NulInside extends \Exception
{
}

/** The bytes of an argument, which is a text, null, or {"hex": …}. */
function raw(mixed $text): ?string
{
    $bytes = \is_array($text) ? (string) \hex2bin($text['hex']) : $text;
    if ($bytes !== null && \str_contains($bytes, "\0")) {
        throw new NulInside();
    }

    return $bytes;
}

/** The text as the library wrote it. If it is not UTF-8, the comparison fails. */
function text(\FFI\CData $buffer): string
{
    return \FFI::string($buffer);
}

/**
 * @param array<string, mixed> $call
 */
function answer(\FFI $native, ?\FFI\CData $client, array $call): mixed
{
    $event = static fn (): array => [
        raw($call['event'] ?? null),
        raw($call['category'] ?? null),
        raw($call['action'] ?? null),
        $call['value'] ?? 0,
        raw($call['plugin_name'] ?? null),
        raw($call['plugin_version'] ?? null),
    ];
    $written = static function (callable $write) use ($native, $call): int|string {
        $capacity = $call['capacity'] ?? 65536;
        $buffer = $capacity > 0 ? $native->new("char[$capacity]") : null;
        $length = $write($buffer, $capacity);

        return $length < 0 ? $length : ($buffer === null ? '' : text($buffer));
    };

    return match ($call['call']) {
        'track' => $native->pact_telemetry_track($client, ...$event()),
        'preview' => $written(
            static fn ($out, $size) => $native->pact_telemetry_preview($client, ...[...$event(), $out, $size]),
        ),
        'explain' => $written(static fn ($out, $size) => $native->pact_telemetry_explain($client, $out, $size)),
        'stats' => $written(static fn ($out, $size) => $native->pact_telemetry_stats($client, $out, $size)),
        'set_enabled' => $native->pact_telemetry_set_enabled($client, $call['enabled'] ?? 0),
        'is_enabled' => $native->pact_telemetry_is_enabled($client),
        'persist' => $native->pact_telemetry_persist($client, $call['timeout_ms'] ?? 0),
        'flush' => $native->pact_telemetry_flush($client, $call['timeout_ms'] ?? 0),
        'close' => $native->pact_telemetry_close($client, $call['timeout_ms'] ?? 0),
        'status_name' => $native->pact_telemetry_status_name($call['status'] ?? 0),
        'version' => $native->pact_telemetry_version(),
        'abi_version' => $native->pact_telemetry_abi_version(),
        'setenv' => \putenv($call['name'] . (isset($call['value']) ? "={$call['value']}" : '')) ? 0 : UNSUPPORTED,
        default => UNSUPPORTED,
    };
}

$native = Native::load();
$flags = \JSON_UNESCAPED_SLASHES | \JSON_INVALID_UTF8_SUBSTITUTE | \JSON_THROW_ON_ERROR;
while (($line = \fgets(\STDIN)) !== false) {
    $case = \json_decode($line, true, 512, \JSON_THROW_ON_ERROR);
    $error = $native->new('char[512]');
    $results = [];
    try {
        $config = raw($case['config'] ?? null);
        $client = $native->pact_telemetry_new($config, $error, 512);
        $new = $client === null ? text($error) : null;
    } catch (NulInside) {
        [$client, $new] = [null, UNSUPPORTED];
    }
    foreach ($case['calls'] ?? [] as $call) {
        try {
            $results[] = answer($native, $client, $call);
        } catch (NulInside) {
            $results[] = UNSUPPORTED;
        }
    }
    $native->pact_telemetry_free($client);
    echo \json_encode(['name' => $case['name'] ?? null, 'new' => $new, 'results' => $results], $flags), "\n";
}
