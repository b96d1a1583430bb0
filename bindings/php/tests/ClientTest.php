<?php

declare(strict_types=1);

namespace PactFoundation\Telemetry\Tests;

use PactFoundation\Telemetry\Client;
use PactFoundation\Telemetry\DataSource;
use PactFoundation\Telemetry\Id;
use PactFoundation\Telemetry\Library;
use PactFoundation\Telemetry\Notice;
use PactFoundation\Telemetry\Outcome;

/**
 * Tests of the client against a real collector.
 */
final class ClientTest extends TestCase
{
    public function testTheFourEventsAndAnotherArrive(): void
    {
        $client = $this->client();
        self::assertSame(Outcome::Ok, $client->consumerTestsRan(3));
        self::assertSame(Outcome::Ok, $client->pactsVerified(4));
        self::assertSame(Outcome::Ok, $client->pluginLoaded('protobuf', '0.5.4'));
        self::assertSame(Outcome::Ok, $client->mockServerStarted());
        self::assertSame(Outcome::Ok, $client->track('Käse', 'Own', 'Eaten', 7, pluginVersion: '1'));
        self::assertSame(Outcome::Ok, $client->close(10));
        $names = ['event', 'category', 'action', 'value', 'plugin_name', 'plugin_version', 'problems'];
        $arrived = [];
        foreach ($this->collector()->events(5) as $event) {
            $arrived[] = \array_map(static fn (string $name) => $event[$name] ?? null, $names);
        }
        self::assertSame([
            ['Pact consumer tests ran', 'ConsumerTest', 'Completed', '3', null, null, []],
            ['Pacts verified', 'ProviderTest', 'Completed', '4', null, null, []],
            ['Plugin loaded', 'Plugin', 'Loaded', '1', 'protobuf', '0.5.4', []],
            ['Pact mock server started', 'ConsumerTest', 'MockServerStarted', '1', null, null, []],
            ['Käse', 'Own', 'Eaten', '7', null, '1', []],
        ], $arrived);
    }

    public function testIdentityIsFilledInAndCanBeOverridden(): void
    {
        $this->client()->pactsVerified(1);
        $mine = $this->client(testFramework: 'Atoum', platformVersion: 'MyPHP 1', dataSource: DataSource::Cli);
        $mine->pactsVerified(2);
        $byValue = \array_column($this->collector()->events(2), null, 'value');
        $php = \sprintf('PHP %d.%d.%d', \PHP_MAJOR_VERSION, \PHP_MINOR_VERSION, \PHP_RELEASE_VERSION);
        self::assertSame(['PHPUnit', $php], [$byValue['1']['test_framework'], $byValue['1']['platform_version']]);
        self::assertSame(['Atoum', 'MyPHP 1'], [$byValue['2']['test_framework'], $byValue['2']['platform_version']]);
        self::assertSame(['client', 'cli'], [$byValue['1']['data_source'], $byValue['2']['data_source']]);
    }

    /**
     * @dataProvider refusedEvents
     */
    public function testInvalidTextsAndValuesAreRefused(Outcome $outcome, mixed ...$arguments): void
    {
        $client = $this->client();
        self::assertSame($outcome, $client->track(...$arguments));
        $preview = $client->preview(...$arguments);
        self::assertSame([$outcome->value, null], [$preview['outcome'], $preview['body']]);
        self::assertTrue($outcome->isError());
        self::assertSame(0, $client->stats()['accepted']);
    }

    /**
     * @return iterable<string, array<mixed>>
     */
    public static function refusedEvents(): iterable
    {
        yield 'a negative value' => [Outcome::ErrorRange, 'e', 'c', 'a', -1];
        yield 'the smallest value' => [Outcome::ErrorRange, 'e', 'c', 'a', \PHP_INT_MIN];
        yield 'an empty event' => [Outcome::ErrorEmpty, '', 'c', 'a'];
        yield 'a blank category' => [Outcome::ErrorEmpty, 'e', ' ', 'a'];
        yield 'a path' => [Outcome::ErrorForbidden, '/home/me/pact.json', 'c', 'a'];
        yield 'a long action' => [Outcome::ErrorTooLong, 'e', 'c', \str_repeat('x', 501)];
        yield 'no UTF-8' => [Outcome::ErrorUtf8, "\xC3\x28", 'c', 'a'];
        foreach ([0, 1, 2, 4, 5] as $place) {
            $arguments = ['e', 'c', 'a', 1, 'p', 'v'];
            $arguments[$place] = "half\0cut";
            yield "a NUL in argument $place" => [Outcome::Invalid, ...$arguments];
        }
    }

    public function testTheLargestValueIsAccepted(): void
    {
        self::assertSame(Outcome::Ok, $this->client()->track('e', 'c', 'a', \PHP_INT_MAX));
        self::assertSame([\PHP_INT_MAX], $this->collector()->values(1));
    }

    public function testEnabledCanBeTurnedOffAndOn(): void
    {
        $client = $this->client();
        self::assertTrue($client->isEnabled());
        $client->setEnabled(false);
        self::assertFalse($client->isEnabled());
        self::assertSame(Outcome::Disabled, $client->pactsVerified(1));
        $client->setEnabled(true);
        self::assertSame(Outcome::Ok, $client->pactsVerified(1));
    }

    public function testAChangeOfTheEnvironmentHoldsAtOnce(): void
    {
        $client = $this->client();
        self::assertSame(Outcome::Ok, $client->pactsVerified(1));
        \putenv('DO_NOT_TRACK=1');
        self::assertSame(Outcome::Disabled, $client->pactsVerified(1));
        self::assertSame('DO_NOT_TRACK', $client->explain()['rule']);
        \putenv('DO_NOT_TRACK');
        self::assertSame(Outcome::Ok, $client->pactsVerified(1));
    }

    /**
     * PHP frees the memory that it gave to the C library, and the next variable of that length gets the same memory.
     */
    public function testAnOptOutInTheMemoryOfAnotherVariableHoldsAtOnce(): void
    {
        $client = $this->client();
        for ($times = 0; $times < 20; $times++) {
            \putenv('AA_NOT_TRACK=1');
            self::assertSame(Outcome::Ok, $client->pactsVerified(1));
            \putenv('AA_NOT_TRACK');
            \putenv('DO_NOT_TRACK=1');
            self::assertSame(Outcome::Disabled, $client->pactsVerified(1));
            \putenv('DO_NOT_TRACK');
        }
        $c = \FFI::cdef('int putenv(char *entry); int unsetenv(const char *name);');
        $entry = $c->new('char[32]');
        \FFI::memcpy($entry, "AA_NOT_TRACK=1\0", 15);
        $c->putenv($entry);
        self::assertSame(Outcome::Ok, $client->pactsVerified(1));
        \FFI::memcpy($entry, 'DO', 2);
        self::assertSame(Outcome::Disabled, $client->pactsVerified(1));
        self::assertSame('DO_NOT_TRACK', $client->explain()['rule']);
        $c->unsetenv('DO_NOT_TRACK');
        self::assertSame(Outcome::Ok, $client->pactsVerified(1));
    }

    /**
     * @dataProvider wrongOptions
     *
     * @param array<string, mixed> $options
     */
    public function testWrongOptionsMakeAClientThatDoesNothingAndSaysWhy(array $options, string $says): void
    {
        $client = $this->client(...$options);
        self::assertStringContainsString($says, (string) $client->unavailableReason);
        self::assertSame(Outcome::Unavailable, $client->pactsVerified(1));
        self::assertSame(Outcome::Ok, $client->close());
    }

    /**
     * @return iterable<array{array<string, mixed>, string}>
     */
    public static function wrongOptions(): iterable
    {
        yield [['queueCapacity' => 0], 'queue_capacity'];
        yield [['endpoint' => 'gopher://x'], 'endpoint'];
        yield [['exitTimeout' => 11.0], 'exit_timeout_ms'];
        yield [['library' => new Library('', 'b', 'c')], 'library'];
        yield [['testFramework' => "\xC3\x28"], 'options'];
        yield [['more' => ['enabled' => 'perhaps']], 'enabled'];
    }

    public function testAHostProgramThatShowsTheNoticeGetsItsText(): void
    {
        \unlink("$this->folder/state/notice.json");
        $client = $this->client(notice: Notice::Host, id: Id::Random);
        $explained = $client->explain();
        self::assertSame('random', $explained['id']);
        self::assertNull($explained['notice']['shown_ms']);
        self::assertStringContainsString('PACT_DO_NOT_TRACK', $explained['notice']['text']);
        self::assertSame(Outcome::Ok, $client->pactsVerified(1));
        self::assertSame(Outcome::Kept, $client->flush());
        self::assertSame([], $this->collector()->values(0));
    }

    public function testAnOptionOfANewerLibraryIsNamed(): void
    {
        $diagnostics = $this->client(more: ['from_the_future' => 1])->explain()['diagnostics'];
        self::assertStringContainsString('from_the_future', \implode($diagnostics));
    }

    public function testATextLongerThanTheFirstBufferIsReturnedWhole(): void
    {
        $more = [];
        for ($number = 0; $number < 500; ++$number) {
            $more["unknown_$number"] = 1;
        }
        $diagnostics = \implode($this->client(more: $more)->explain()['diagnostics']);
        self::assertGreaterThan(5000, \strlen($diagnostics));
        self::assertStringContainsString('unknown_499', $diagnostics);
    }

    public function testPersistWritesToDiskWhileTheServerHangs(): void
    {
        $this->collector('--answers', 'hang*');
        $client = $this->client(exitTimeout: 0.0);
        self::assertSame(Outcome::Ok, $client->persist());
        $client->pactsVerified(1);
        self::assertSame(Outcome::Kept, $client->persist(10));
        self::assertNotSame([], \glob("$this->folder/state/spool/*.batch"));
        self::assertSame(Outcome::ErrorTimeout, $client->flush(0.1));
    }

    /**
     * @dataProvider times
     */
    public function testAnyNumberIsATimeout(float $time): void
    {
        $client = $this->client();
        self::assertSame(Outcome::Ok, $client->flush($time));
        self::assertSame(Outcome::Ok, $client->close($time));
    }

    /**
     * @return iterable<array{float}>
     */
    public static function times(): iterable
    {
        yield from [[0.0], [-1.0], [0.0001], [1e300], [\INF], [3.0]];
    }

    public function testATimeoutThatIsNotANumberIsInvalid(): void
    {
        self::assertSame(Outcome::Invalid, $this->client()->flush(\NAN));
        self::assertSame(Outcome::Invalid, $this->client()->persist(\NAN));
    }

    public function testAClosedClientRefusesEventsAndKeepsItsCounters(): void
    {
        $client = $this->client();
        $client->pactsVerified(1);
        self::assertSame(Outcome::Ok, $client->close(10));
        self::assertSame(Outcome::Ok, $client->close(10));
        self::assertSame(Outcome::Closed, $client->pactsVerified(2));
        self::assertSame('closed', $client->explain()['state']);
        self::assertSame([1, 1], [$client->stats()['delivered'], $client->stats()['not_accepted']['closed']]);
        self::assertSame([1], $this->collector()->values(1));
    }

    public function testACopyIsTheSameClientAndIsReleasedOnce(): void
    {
        $client = $this->client();
        $copy = clone $client;
        $this->clients = [];
        unset($client);
        self::assertSame(Outcome::Ok, $copy->pactsVerified(3));
        unset($copy);
        self::assertSame([3], $this->collector()->values(1));
    }

    public function testManyClientsAreReleased(): void
    {
        $before = \memory_get_usage();
        for ($number = 0; $number < 500; ++$number) {
            $this->client()->explain();
            $this->clients = [];
        }
        self::assertLessThan($before + 1_000_000, \memory_get_usage());
    }
}
