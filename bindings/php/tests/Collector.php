<?php

declare(strict_types=1);

namespace PactFoundation\Telemetry\Tests;

/**
 * The real collector, and the events that arrived there.
 */
final class Collector
{
    public readonly string $url;

    /** @var resource */
    private $process;

    /** @var resource */
    private $output;

    /** @var list<array<string, mixed>> */
    private array $events = [];

    public function __construct(string ...$arguments)
    {
        $command = [self::command(), 'collect', ...$arguments];
        $descriptors = [['file', '/dev/null', 'r'], ['pipe', 'w'], ['file', '/dev/null', 'w']];
        $process = \proc_open($command, $descriptors, $pipes);
        \assert(\is_resource($process));
        [$this->process, $this->output] = [$process, $pipes[1]];
        $this->url = \json_decode((string) \fgets($this->output), true)['url'];
    }

    public function __destruct()
    {
        \proc_terminate($this->process);
        \proc_close($this->process);
    }

    public static function command(): string
    {
        return \getenv('TEST_COMMAND') ?: \dirname(__DIR__, 3) . '/target/debug/pact-telemetry';
    }

    /**
     * Waits for this many events, ten seconds at most, and then 0.1 s longer for events that should not arrive.
     *
     * @return list<array<string, mixed>>
     */
    public function events(int $count): array
    {
        $deadline = \microtime(true) + 10;
        while (($wait = \count($this->events) < $count ? $deadline - \microtime(true) : 0.1) > 0) {
            [$read, $none] = [[$this->output], null];
            if (\stream_select($read, $none, $none, 0, (int) \min($wait * 1e6, 100_000)) > 0) {
                $record = \json_decode((string) \fgets($this->output), true);
                if (($record['type'] ?? null) === 'event') {
                    $this->events[] = $record['fields'] + ['problems' => $record['problems']];
                }
            } elseif (\count($this->events) >= $count) {
                break;
            }
        }

        return $this->events;
    }

    /**
     * The values of the events, in order of size.
     *
     * @return list<int>
     */
    public function values(int $count): array
    {
        $values = \array_map(static fn (array $event): int => (int) $event['value'], $this->events($count));
        \sort($values);

        return $values;
    }
}
