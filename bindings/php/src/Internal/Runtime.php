<?php

declare(strict_types=1);

namespace PactFoundation\Telemetry\Internal;

/**
 * The version of PHP and the test framework of this process. Loads no class, starts nothing and reads no file.
 *
 * @internal
 */
final class Runtime
{
    /** The name of the program that runs the tests, and the name of the framework. */
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
     * The framework that runs this process, if one is found.
     */
    public static function testFramework(): ?string
    {
        $script = $_SERVER['argv'][0] ?? null;
        $program = \is_string($script) ? \basename(\str_replace('\\', '/', $script), '.phar') : '';
        $program = \preg_replace('/-[\d.]+$/', '', $program) ?? ''; // a phar may have the version in its name
        $byProgram = self::PROGRAMS[$program] ?? null;
        // Pest runs on PHPUnit, also where it is started by another program, as paratest does.
        if ($byProgram === 'PHPUnit' || ($byProgram === null && self::phpunitCalls())) {
            return \class_exists('Pest\TestSuite', false) ? 'Pest' : 'PHPUnit';
        }

        return $byProgram;
    }

    /**
     * True if PHPUnit is on the call stack. An IDE or an isolated test runs it by another program.
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
