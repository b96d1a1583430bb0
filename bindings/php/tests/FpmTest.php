<?php

declare(strict_types=1);

namespace PactFoundation\Telemetry\Tests;

/**
 * Tests in php-fpm, where PHP's default allows FFI in preloaded files only.
 */
final class FpmTest extends TestCase
{
    private const PROGRAM = <<<'PHP'
        use PactFoundation\Telemetry\{Client, Library};
        $telemetry = new Client(new Library('pact-php', 'Pact PHP', '1'), endpoint: ENDPOINT, exitTimeout: 10.0);
        echo $telemetry->pactsVerified((int) $_SERVER['QUERY_STRING'])->value, ' ', $telemetry->unavailableReason, "\n";
        PHP;

    /** @var resource|null */
    private $server;

    protected function tearDown(): void
    {
        if ($this->server !== null) {
            \proc_terminate($this->server, 3); // SIGQUIT: the server exits after its workers
            \proc_close($this->server);
        }
        parent::tearDown();
    }

    public function testWithoutPreloadingTheClientSaysWhatIsMissing(): void
    {
        $this->start(false);
        $said = $this->request(1);
        self::assertStringStartsWith('unavailable ', $said);
        self::assertStringContainsString('see the README of this package', $said);
    }

    public function testWithPreloadingEachRequestReportsOnce(): void
    {
        $this->start(true);
        foreach ([1, 2, 3] as $number) {
            self::assertSame('ok', $this->request($number));
        }
        self::assertSame([1, 2, 3], $this->collector()->values(3));
    }

    private function start(bool $preloads): void
    {
        $fpm = \exec('ls /usr/sbin/php-fpm* 2>/dev/null') ?: '';
        if ($fpm === '' || \exec('command -v cgi-fcgi') === '') {
            self::markTestSkipped('no php-fpm or no cgi-fcgi (Debian: php-fpm, libfcgi-bin)');
        }
        $user = \posix_getpwuid(\posix_geteuid())['name'] ?? '';
        $settings = [
            '[global]',
            'daemonize = no',
            "error_log = $this->folder/log",
            '[www]',
            "listen = $this->folder/socket",
            'pm = static',
            'pm.max_children = 2',
            'clear_env = no',
            "user = $user",
            "group = $user",
        ];
        \file_put_contents("$this->folder/fpm.conf", \implode("\n", $settings) . "\n");
        $options = ['-R', '-F', '-y', "$this->folder/fpm.conf", '-d', 'ffi.enable=preload'];
        if ($preloads) {
            \exec(\PHP_BINARY . ' ' . \dirname(__DIR__) . "/ffi-preload.php > $this->folder/pact_telemetry.h");
            $file = \dirname(__DIR__) . '/preload.php';
            $settings = ["ffi.preload=$this->folder/pact_telemetry.h", "opcache.preload=$file", 'opcache.enable=1'];
            foreach ([...$settings, "opcache.preload_user=$user"] as $setting) {
                \array_push($options, '-d', $setting);
            }
        }
        $descriptors = [['file', '/dev/null', 'r'], ['file', '/dev/null', 'w'], ['file', "$this->folder/said", 'w']];
        $server = \proc_open([$fpm, ...$options], $descriptors, $pipes);
        \assert(\is_resource($server));
        $this->server = $server;
        $deadline = \microtime(true) + 20;
        while (!\file_exists("$this->folder/socket") && \microtime(true) < $deadline) {
            \usleep(10_000);
        }
        self::assertFileExists("$this->folder/socket", (string) \file_get_contents("$this->folder/said"));
    }

    /**
     * The answer of the program, without the headers.
     */
    private function request(int $value): string
    {
        $file = "$this->folder/program.php";
        $autoload = \var_export(__DIR__ . '/autoload.php', true);
        $program = \str_replace('ENDPOINT', \var_export($this->collector()->url, true), self::PROGRAM);
        \file_put_contents($file, "<?php require_once $autoload;\n$program");
        $environment = ['SCRIPT_FILENAME' => $file, 'REQUEST_METHOD' => 'GET', 'QUERY_STRING' => (string) $value];
        $command = ['cgi-fcgi', '-bind', '-connect', "$this->folder/socket"];
        $process = \proc_open($command, [1 => ['pipe', 'w']], $pipes, null, $environment + \getenv());
        \assert(\is_resource($process));
        $answer = (string) \stream_get_contents($pipes[1]);
        \proc_close($process);

        return \trim(\explode("\r\n\r\n", $answer, 2)[1] ?? $answer);
    }
}
