<?php

declare(strict_types=1);

namespace PactFoundation\Telemetry\Internal;

/**
 * What this process tells of itself. Only looks: nothing is loaded, started or read from disk.
 *
 * @internal
 */
final class Runtime
{
    /** The name of the program that runs the tests: what the framework is called. */
    private const PROGRAMS = [
        'pest' => 'Pest',
        'phpunit' => 'PHPUnit',
        'paratest' => 'PHPUnit',
        'codecept' => 'Codeception',
        'behat' => 'Behat',
        'phpspec' => 'phpspec',
    ];

    public static function platformVersion(): string
    {
        return 'PHP ' . \PHP_MAJOR_VERSION . '.' . \PHP_MINOR_VERSION . '.' . \PHP_RELEASE_VERSION;
    }

    /**
     * The framework that runs this process, if any is to be seen.
     */
    public static function testFramework(): ?string
    {
        $script = $_SERVER['argv'][0] ?? null;
        $program = \is_string($script) ? \basename(\str_replace('\\', '/', $script), '.phar') : '';
        $program = \preg_replace('/-[\d.]+$/', '', $program) ?? ''; // the version in the name of a phar
        $byProgram = self::PROGRAMS[$program] ?? null;
        // Pest runs on PHPUnit, also where it is started by another program, as paratest does.
        if ($byProgram === 'PHPUnit' || ($byProgram === null && self::phpunitCalls())) {
            return \class_exists('Pest\TestSuite', false) ? 'Pest' : 'PHPUnit';
        }

        return $byProgram;
    }

    /**
     * True if PHPUnit is further up in this call: an IDE, or an isolated test, runs it by a program of its own.
     */
    private static function phpunitCalls(): bool
    {
        foreach (\debug_backtrace(\DEBUG_BACKTRACE_IGNORE_ARGS) as $frame) {
            if (\str_starts_with($frame['class'] ?? '', 'PHPUnit\\')) {
                return true;
            }
        }

        return false;
    }
}
