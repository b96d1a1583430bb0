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
            self::assertSame(self::keys($expected), self::keys($answer));
            self::assertSame($unavailable ? 'unavailable' : 'ok', $answer['outcome']);
            self::assertSame($unavailable ? $client->unavailableReason : null, $answer['reason']);
            self::assertSame($unavailable, $answer['reason'] !== null);
        }
    }

    /**
     * The keys of an answer and of the objects in it, sorted, such as `dropped.expired`.
     *
     * @param array<string, mixed> $answer
     *
     * @return list<string>
     */
    private static function keys(array $answer): array
    {
        $keys = [];
        foreach ($answer as $key => $value) {
            $keys[] = $key;
            if (\is_array($value) && !\array_is_list($value)) {
                foreach (\array_keys($value) as $inner) {
                    $keys[] = "$key.$inner";
                }
            }
        }
        \sort($keys);

        return $keys;
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
