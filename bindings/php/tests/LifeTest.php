<?php

declare(strict_types=1);

namespace PactFoundation\Telemetry\Tests;

/**
 * Tests of process exit, of forks, and of the test framework that is found.
 */
final class LifeTest extends TestCase
{
    /**
     * @dataProvider ends
     */
    public function testEventsAreSentWhenTheProcessExits(string $end, int $code): void
    {
        $this->execute("\$telemetry->pactsVerified(9);\n$end", $code);
        self::assertSame([9], $this->collector()->values(1));
    }

    /**
     * @return iterable<string, array{string, int}>
     */
    public static function ends(): iterable
    {
        yield 'the end of the program' => ['', 0];
        yield 'exit' => ['exit(3);', 3];
        yield 'an exception that is caught' => ['try { throw new Exception(); } catch (Exception) { exit(4); }', 4];
        yield 'a shutdown function uses it' => ['register_shutdown_function(fn () => $telemetry->stats());', 0];
        $cycle = '$a = new stdClass(); $a->a = $a; $a->t = $telemetry; unset($a, $telemetry);';
        yield 'a cycle holds it' => [$cycle, 0];
    }

    public function testAKilledProcessLeavesWhatItPersisted(): void
    {
        self::needs('posix_kill');
        $program = '$telemetry->pactsVerified(8); echo $telemetry->persist(10)->value; posix_kill(getmypid(), 9);';
        $file = "$this->folder/out";
        \exec("php {$this->program($program)} > $file 2>/dev/null", $lines, $code);
        self::assertNotSame(0, $code);
        self::assertContains(\file_get_contents($file), ['kept', 'ok']);
        self::assertSame([8], $this->arrived([8]));
    }

    public function testForkedChildrenReportOnceEach(): void
    {
        self::needs('pcntl_fork');
        $this->execute(<<<'PHP'
            $telemetry->pactsVerified(100);
            $children = [];
            for ($number = 0; $number < 4; ++$number) {
                $child = pcntl_fork();
                if ($child === 0) {
                    $telemetry->pactsVerified($number) === Outcome::Ok || exit(1);
                    exit(0);
                }
                $children[] = $child;
            }
            foreach ($children as $child) {
                pcntl_waitpid($child, $status);
                pcntl_wexitstatus($status) === 0 || exit(1);
            }
            $telemetry->pactsVerified(101);
            PHP);
        self::assertSame([0, 1, 2, 3, 100, 101], $this->arrived([0, 1, 2, 3, 100, 101]));
    }

    public function testAnOrdinaryProgramHasNoFramework(): void
    {
        $this->execute('$telemetry->pactsVerified(1);');
        self::assertArrayNotHasKey('test_framework', $this->collector()->events(1)[0]);
    }

    /**
     * @dataProvider programs
     */
    public function testAFrameworkIsRecognisedByItsProgram(string $program, ?string $framework): void
    {
        $code = "\$_SERVER['argv'] = ['$program'];
            echo json_encode(PactFoundation\\Telemetry\\Internal\\Runtime::testFramework());";
        self::assertSame(\json_encode($framework), $this->execute($code));
    }

    /**
     * @return iterable<array{string, ?string}>
     */
    public static function programs(): iterable
    {
        yield ['vendor/bin/phpunit', 'PHPUnit'];
        yield ['phpunit-10.5.phar', 'PHPUnit'];
        yield ['vendor/bin/pest', 'Pest'];
        yield ['vendor/bin/codecept', 'Codeception'];
        yield ['vendor/bin/behat', 'Behat'];
        yield ['vendor/bin/phpspec', 'phpspec'];
        yield ['artisan', null];
    }

    public function testPestIsNotTakenForPhpunit(): void
    {
        $autoload = __DIR__ . '/autoload.php';
        $program = "namespace Pest { final class TestSuite {} } namespace { require_once '$autoload';"
            . "\$_SERVER['argv'] = ['vendor/bin/paratest'];"
            . 'echo PactFoundation\Telemetry\Internal\Runtime::testFramework(); }';
        \file_put_contents("$this->folder/pest.php", "<?php $program");
        self::assertSame('Pest', \exec(\PHP_BINARY . " $this->folder/pest.php"));
    }

    private static function needs(string $function): void
    {
        if (!\function_exists($function)) {
            self::markTestSkipped("PHP has no $function here");
        }
    }

    /**
     * Writes a program that has a client in $telemetry, and returns its file.
     */
    private function program(string $program): string
    {
        $autoload = __DIR__ . '/autoload.php';
        $file = "$this->folder/killed.php";
        \file_put_contents($file, "<?php require_once '$autoload'; use PactFoundation\\Telemetry\\{Client, Library};
            \$telemetry = new Client(new Library('pact-php', 'Pact PHP', '1'), endpoint: '{$this->collector()->url}',
                measurementId: 'G-1', apiSecret: 's');
            $program");

        return $file;
    }

    /**
     * The values that arrived, at once or sent by one of the next processes. The values of these are 1000.
     *
     * @param list<int> $expected
     *
     * @return list<int>
     */
    private function arrived(array $expected): array
    {
        $deadline = \microtime(true) + 30;
        while (true) {
            $values = \array_values(\array_filter($this->collector()->values(0), static fn (int $one) => $one < 1000));
            if (\count($values) >= \count($expected) || \microtime(true) > $deadline) {
                return $values;
            }
            $this->execute('$telemetry->pactsVerified(1000); $telemetry->close(5);');
        }
    }
}
