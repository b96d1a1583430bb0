<?php

declare(strict_types=1);

namespace PactFoundation\Telemetry\Tests;

use PactFoundation\Telemetry\Internal\Native;
use PactFoundation\Telemetry\Names;
use PactFoundation\Telemetry\Outcome;

/**
 * The native layer matches the header, and a client says why the library cannot be loaded.
 */
final class NativeTest extends TestCase
{
    private const INCLUDE = __DIR__ . '/../../../include';
    private const ANSWERS = <<<'PHP'
        foreach (['track' => ['e', 'c', 'a'], 'flush' => [], 'persist' => [], 'close' => []] as $method => $arguments) {
            echo $telemetry->$method(...$arguments)->value, ' ';
        }
        $telemetry->setEnabled(true);
        echo json_encode($telemetry->isEnabled()), ' ', $telemetry->unavailableReason;
        PHP;

    public function testEveryNameIsAsPublished(): void
    {
        $published = \json_decode((string) \file_get_contents(self::INCLUDE . '/pact_telemetry.constants.json'), true);
        self::assertSame($published, (new \ReflectionClass(Names::class))->getConstants());
    }

    public function testEveryStatusHasItsOutcome(): void
    {
        $header = (string) \file_get_contents(__DIR__ . '/../src/Internal/pact_telemetry.ffi.h');
        \preg_match_all('/PACT_TELEMETRY_(\w+) = (-?\d+)/', $header, $found, \PREG_SET_ORDER);
        self::assertNotEmpty($found);
        $native = Native::load();
        foreach ($found as [, $name, $status]) {
            self::assertSame(\strtolower($name), Outcome::ofStatus((int) $status)->value);
            self::assertSame("PACT_TELEMETRY_$name", $native->pact_telemetry_status_name((int) $status));
        }
        $ours = [Outcome::Unavailable, Outcome::Invalid, Outcome::Unknown, Outcome::ErrorUnknown];
        self::assertCount(\count($found) + \count($ours), Outcome::cases());
        self::assertSame([Outcome::Unknown, Outcome::ErrorUnknown], [Outcome::ofStatus(77), Outcome::ofStatus(-77)]);
    }

    public function testAMissingLibraryIsReported(): void
    {
        $said = $this->nothing('/none.so');
        self::assertStringContainsString('named by PACT_TELEMETRY_LIBRARY', $said);
        self::assertStringContainsString('/none.so', $said);
    }

    public function testAFileThatIsNoLibraryIsReported(): void
    {
        \file_put_contents("$this->folder/lib.so", 'no library');
        self::assertStringContainsString("$this->folder/lib.so", $this->nothing("$this->folder/lib.so"));
    }

    public function testAnotherAbiIsRefused(): void
    {
        $header = (string) \file_get_contents(__DIR__ . '/../src/Internal/pact_telemetry.ffi.h');
        \preg_match_all('/(pact_telemetry_\w+)\(/', $header, $functions);
        $source = '';
        foreach ($functions[1] as $name) {
            $source .= "int $name(void) { return 2; }\n";
        }
        $said = $this->nothing($this->compiled($source));
        self::assertStringContainsString('its ABI is 2, but this package was written for 1', $said);
    }

    public function testALibraryWithoutOurFunctionsIsRefused(): void
    {
        $stub = $this->compiled('unsigned pact_telemetry_abi_version(void) { return 1; }');
        self::assertStringContainsString('pact_telemetry_version', $this->nothing($stub));
    }

    public function testAPackageWithoutALibrarySaysSo(): void
    {
        $said = $this->nothing('');
        self::assertStringContainsString('no library for ' . Native::platform() . ' (it brings none)', $said);
    }

    public function testTheSystemsLibraryIsFound(): void
    {
        \copy(self::library(), "$this->folder/libpact_telemetry.so.1");
        $environment = ['PACT_TELEMETRY_LIBRARY' => '', 'LD_LIBRARY_PATH' => $this->folder];
        $program = 'echo $telemetry->pactsVerified(4)->value, $telemetry->unavailableReason;';
        self::assertSame('ok', $this->execute($program, environment: $environment));
        self::assertSame([4], $this->collector()->values(1));
    }

    public function testWithoutFfiTheClientSaysSo(): void
    {
        if (\ini_get('extension_dir') === false || \extension_loaded('ffi') === false) {
            self::markTestSkipped('FFI cannot be left out here');
        }
        // Without any configuration file there are only the extensions that are compiled in.
        $said = $this->execute(self::ANSWERS, options: ['-n']);
        self::assertStringStartsWith('unavailable ok ok ok false PHP has no FFI here', $said);
    }

    public function testWhereFfiIsTurnedOffTheClientSaysSo(): void
    {
        $said = $this->execute(self::ANSWERS, options: ['-d', 'ffi.enable=0']);
        self::assertStringStartsWith('unavailable ok ok ok false', $said);
        self::assertStringContainsString('ffi.enable', $said);
    }

    private function nothing(string $library): string
    {
        $said = $this->execute(self::ANSWERS, environment: ['PACT_TELEMETRY_LIBRARY' => $library]);
        self::assertStringStartsWith('unavailable ok ok ok false ', $said);

        return $said;
    }

    private function compiled(string $source): string
    {
        \file_put_contents("$this->folder/stub.c", $source);
        \exec("cc -shared -fPIC -o $this->folder/stub.so $this->folder/stub.c 2>&1", $printed, $code);
        if ($code !== 0) {
            self::markTestSkipped('no C compiler (Debian: gcc)');
        }

        return "$this->folder/stub.so";
    }
}
