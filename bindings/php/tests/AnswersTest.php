<?php

declare(strict_types=1);

namespace PactFoundation\Telemetry\Tests;

use PactFoundation\Telemetry\Client;
use PactFoundation\Telemetry\Library;

/**
 * explain(), stats() and preview() return every key in every state.
 */
final class AnswersTest extends TestCase
{
    /**
     * @dataProvider states
     */
    public function testEveryKeyIsReturned(string $state): void
    {
        $healthy = $this->client();
        $client = $this->inState($state);
        $unavailable = \in_array($state, ['no library', 'no FFI', 'wrong options'], true);
        foreach (['explain' => [], 'stats' => [], 'preview' => self::EVENT] as $method => $arguments) {
            [$expected, $answer] = [$healthy->$method(...$arguments), $client->$method(...$arguments)];
            \ksort($expected);
            \ksort($answer);
            self::assertSame(\array_keys($expected), \array_keys($answer));
            self::assertSame($unavailable ? 'unavailable' : 'ok', $answer['outcome']);
            self::assertSame($unavailable ? $client->unavailableReason : null, $answer['reason']);
            self::assertSame($unavailable, $answer['reason'] !== null);
        }
    }

    /**
     * @return iterable<array{string}>
     */
    public static function states(): iterable
    {
        $states = ['enabled', 'turned off', 'opted out', 'not configured', 'closed', 'no library', 'wrong options'];
        foreach ($states as $state) {
            yield $state => [$state];
        }
    }

    private function inState(string $state): Client
    {
        $client = match ($state) {
            'turned off' => $this->client(enabled: false),
            'not configured' => new Client(new Library('a', 'A', '1')),
            'wrong options' => $this->client(queueCapacity: -1),
            'no library' => \putenv('PACT_TELEMETRY_LIBRARY=/none') ? $this->client() : null,
            'opted out' => \putenv('DO_NOT_TRACK=1') ? $this->client() : null,
            default => $this->client(),
        };
        if ($state === 'closed') {
            $client?->close();
        }
        \assert($client !== null);

        return $client;
    }
}
