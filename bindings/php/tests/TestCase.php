<?php

declare(strict_types=1);

namespace PactFoundation\Telemetry\Tests;

use PactFoundation\Telemetry\Client;
use PactFoundation\Telemetry\Library;

/**
 * Gives every test a new state folder, without settings of the person, and a real collector.
 */
abstract class TestCase extends \PHPUnit\Framework\TestCase
{
    protected const EVENT = ['Pacts verified', 'ProviderTest', 'Completed'];

    protected string $folder;
    private ?Collector $collector = null;

    /** @var list<Client> */
    protected array $clients = [];

    protected function setUp(): void
    {
        $this->folder = \sys_get_temp_dir() . '/pact-telemetry-php-' . \bin2hex(\random_bytes(6));
        \mkdir($this->folder, 0700);
        // The person has seen the notice in an earlier run, so nothing is printed and events are sent.
        \mkdir("$this->folder/state", 0700);
        \file_put_contents("$this->folder/state/notice.json", '{"shown_ms":1}');
        foreach (self::environment($this->folder) as $name => $value) {
            \putenv("$name=$value");
        }
    }

    protected function tearDown(): void
    {
        // Events that still wait are dropped, so that the library does not make the folder again.
        foreach ($this->clients as $client) {
            $client->setEnabled(false);
        }
        $this->clients = [];
        \gc_collect_cycles();
        $this->collector = null;
        \exec('rm -rf ' . \escapeshellarg($this->folder));
        \putenv('PACT_TELEMETRY_LIBRARY=' . self::library());
        \putenv('DO_NOT_TRACK');
    }

    protected static function library(): string
    {
        return \getenv('TEST_LIBRARY') ?: \dirname(__DIR__, 3) . '/build/lib/libpact_telemetry.so';
    }

    /**
     * @return array<string, string>
     */
    protected static function environment(string $folder): array
    {
        return [
            'PACT_TELEMETRY_LIBRARY' => self::library(),
            'PACT_TELEMETRY_STATE_DIR' => "$folder/state",
            'XDG_CONFIG_HOME' => $folder,
            'CI' => 'true', // where events are sent at once
        ];
    }

    protected function collector(string ...$arguments): Collector
    {
        return $this->collector ??= new Collector(...$arguments);
    }

    /**
     * A client that reports to the collector.
     */
    protected function client(mixed ...$more): Client
    {
        $client = new Client(...$more + [
            'library' => new Library('pact-php', 'Pact PHP', '1.2.3'),
            'endpoint' => $this->collector()->url,
            'measurementId' => 'G-1',
            'apiSecret' => 's',
            'exitTimeout' => 10.0, // tests run on busy machines
        ]);

        return $this->clients[] = $client;
    }

    /**
     * Runs a program that has a client in $telemetry, and returns its output. It must print nothing on standard error.
     *
     * @param array<string, string> $environment
     * @param list<string>          $options     of PHP
     */
    protected function execute(string $program, int $code = 0, array $environment = [], array $options = []): string
    {
        $file = "$this->folder/program-" . \bin2hex(\random_bytes(4)) . '.php';
        $autoload = \var_export(__DIR__ . '/autoload.php', true);
        $url = \var_export($this->collector()->url, true);
        \file_put_contents($file, "<?php
            require_once $autoload;
            use PactFoundation\\Telemetry\\{Client, Library, Outcome};
            \$telemetry = new Client(
                new Library('pact-php', 'Pact PHP', '1.2.3'),
                endpoint: $url, measurementId: 'G-1', apiSecret: 's', exitTimeout: 10.0,
            );
            $program");
        $process = \proc_open(
            [\PHP_BINARY, ...$options, $file],
            [['file', '/dev/null', 'r'], ['pipe', 'w'], ['pipe', 'w']],
            $pipes,
            null,
            $environment + \getenv(),
        );
        \assert(\is_resource($process));
        [$printed, $said] = [\stream_get_contents($pipes[1]), \stream_get_contents($pipes[2])];
        self::assertSame($code, \proc_close($process), $printed . $said);
        self::assertSame('', $said);

        return \trim((string) $printed);
    }
}
