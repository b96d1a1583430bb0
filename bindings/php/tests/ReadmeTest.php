<?php

declare(strict_types=1);

namespace PactFoundation\Telemetry\Tests;

/**
 * The README's program runs, with and without a library, and the README names all that is collected.
 */
final class ReadmeTest extends TestCase
{
    public function testTheProgramAsTheReadmeSaysToRunIt(): void
    {
        \preg_match_all('/(PACT_TELEMETRY_(?:NOTICE|ENDPOINT))=(\S+)/', self::readme(), $found, \PREG_SET_ORDER);
        $variables = \array_column($found, 2, 1);
        self::assertSame('http://127.0.0.1:8123', $variables['PACT_TELEMETRY_ENDPOINT']);
        $variables['PACT_TELEMETRY_ENDPOINT'] = $this->collector()->url;
        [$outcome, $rule, $body, $accepted] = $this->lines($variables);
        self::assertSame(['ok', 'none', '2'], [$outcome, $rule, $accepted]);
        self::assertSame('pacts_verified', \json_decode($body, true)['events'][0]['name']);
        self::assertSame([1, 3], $this->collector()->values(2));
    }

    public function testTheProgramWithoutALibrary(): void
    {
        self::assertSame(['unavailable', 'none', '', '0'], $this->lines(['PACT_TELEMETRY_LIBRARY' => '/none']));
    }

    public function testTheFourEventsExample(): void
    {
        $file = \dirname(__DIR__) . '/examples/four_events.php';
        $variables = ['PACT_TELEMETRY_ENDPOINT' => $this->collector()->url];
        self::assertCount(4, $this->lines($variables, $file));
        self::assertCount(4, $this->collector()->events(4));
    }

    public function testItNamesAllThatIsCollectedAndHasNoLinks(): void
    {
        $page = (string) \file_get_contents(\dirname(__DIR__, 3) . '/docs/privacy.md');
        $table = \explode("\n\n", \explode("|---|---|---|---|---|\n", $page)[1])[0];
        $rows = \explode("\n", $table);
        self::assertGreaterThan(10, \count($rows));
        $flat = \preg_replace('/\s+/', ' ', self::readme());
        foreach ($rows as $row) {
            self::assertStringContainsString(\trim(\explode('|', $row)[1]), (string) $flat);
        }
        self::assertDoesNotMatchRegularExpression('~\]\(|https?://(?!127)~', self::readme());
    }

    private static function readme(): string
    {
        return (string) \file_get_contents(\dirname(__DIR__) . '/README.md');
    }

    /**
     * The lines that a program prints, by default the README's. Standard error must stay silent.
     *
     * @param array<string, string> $environment
     *
     * @return list<string>
     */
    private function lines(array $environment, ?string $file = null): array
    {
        if ($file === null) {
            $program = \explode('```', \explode("```php\n", self::readme())[1])[0];
            $autoload = __DIR__ . '/autoload.php';
            $program = \str_replace("__DIR__ . '/vendor/autoload.php'", "'$autoload'", $program, $count);
            self::assertSame(1, $count);
            $file = "$this->folder/readme.php";
            \file_put_contents($file, $program);
        }
        $descriptors = [['file', '/dev/null', 'r'], ['pipe', 'w'], ['pipe', 'w']];
        $process = \proc_open([\PHP_BINARY, $file], $descriptors, $pipes, null, $environment + \getenv());
        \assert(\is_resource($process));
        $printed = (string) \stream_get_contents($pipes[1]);
        self::assertSame('', \stream_get_contents($pipes[2]));
        self::assertSame(0, \proc_close($process));

        return \explode("\n", \substr($printed, 0, -1));
    }
}
