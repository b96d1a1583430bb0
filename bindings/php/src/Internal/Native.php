<?php

declare(strict_types=1);

namespace PactFoundation\Telemetry\Internal;

/**
 * Finds the shared library and declares its functions, once in a process. The declarations are in pact_telemetry.ffi.h
 * beside this file, which is a link in the source tree.
 *
 * @internal
 */
final class Native
{
    /** The ABI that this package was written for. */
    public const ABI_VERSION = 1;

    /** The variable that names the library. If it is set, nothing else is tried. */
    public const VARIABLE = 'PACT_TELEMETRY_LIBRARY';

    /** The name under which the file of ffi-preload.php declares the functions, for preloaded files. */
    public const SCOPE = 'PACT_TELEMETRY';

    private const FILES = [
        // The key is PHP_OS_FAMILY. The values are our name of the system, the name of the file in the package, and the
        // name that the system's loader looks for.
        'Linux' => ['linux', 'libpact_telemetry.so', 'libpact_telemetry.so.1'],
        'Darwin' => ['darwin', 'libpact_telemetry.dylib', 'libpact_telemetry.1.dylib'],
        'Windows' => ['win32', 'pact_telemetry.dll', 'pact_telemetry.dll'],
    ];

    private const PROCESSORS = ['x86_64' => 'x64', 'amd64' => 'x64', 'aarch64' => 'arm64', 'arm64' => 'arm64'];

    /** @var array<string, \FFI> */
    private static array $loaded = [];

    /**
     * The library's functions.
     *
     * @throws Unavailable if there is no library, or PHP may not call it
     */
    public static function load(): \FFI
    {
        if (!\extension_loaded('ffi')) {
            throw new Unavailable('PHP has no FFI here: install or enable ext-ffi');
        }
        $given = \getenv(self::VARIABLE);
        if (\is_string($given) && $given !== '') {
            [$path, $source] = [$given, 'the library named by ' . self::VARIABLE];
        } else {
            [$path, $source] = self::choose();
        }

        return self::$loaded[$path] ??= self::open($path, $source);
    }

    /**
     * The file that ffi-preload.php prints. It declares the functions under SCOPE, and names the library.
     */
    public static function preload(): string
    {
        $given = \getenv(self::VARIABLE);
        $path = \is_string($given) && $given !== '' ? $given : self::choose()[0];

        return '#define FFI_SCOPE "' . self::SCOPE . "\"\n#define FFI_LIB \"$path\"\n" . self::declarations();
    }

    /**
     * The name of this process's platform, such as `linux-x64-musl`. Starts no process.
     */
    public static function platform(): string
    {
        $system = self::FILES[\PHP_OS_FAMILY][0] ?? \strtolower(\PHP_OS_FAMILY);
        $machine = \strtolower(\php_uname('m'));
        $processor = self::PROCESSORS[$machine] ?? $machine;
        // The kernel's answer would be wrong for a 32-bit process on a 64-bit kernel.
        $bits = \PHP_INT_SIZE === 8 ? '' : '-32bit';

        return "$system-$processor$bits" . ($system === 'linux' ? '-' . self::libc() : '');
    }

    /**
     * @return array{string, string} the path, and what it is
     */
    private static function choose(): array
    {
        [, $file, $system] = self::FILES[\PHP_OS_FAMILY] ?? self::FILES['Linux'];
        $folder = \dirname(__DIR__, 2) . '/native';
        $platform = self::platform();
        $bundled = "$folder/$platform/$file";
        if (\is_file($bundled)) {
            return [$bundled, 'the library of this package'];
        }
        $there = \is_dir($folder) ? \array_diff(\scandir($folder) ?: [], ['.', '..']) : [];
        $brings = $there === [] ? 'it brings none' : 'it has those for ' . \implode(', ', $there);
        $missing = "this package has no library for $platform ($brings), " . self::VARIABLE . ' is not set';

        return [$system, "$missing, and the system's library"];
    }

    /**
     * The C library of this process, `gnu` or `musl`. Only glibc has the function that is declared here.
     */
    private static function libc(): string
    {
        try {
            \FFI::cdef('const char *gnu_get_libc_version(void);');

            return 'gnu';
        } catch (\Throwable $error) {
            // Where FFI is restricted, the C library is not known, and no library is loaded anyway.
            return \str_contains($error->getMessage(), 'gnu_get_libc_version') ? 'musl' : 'gnu';
        }
    }

    private static function open(string $path, string $source): \FFI
    {
        try {
            $native = self::isRestricted()
                ? \FFI::scope(self::SCOPE)
                : \FFI::cdef(self::declarations(), $path);
            $abi = $native->pact_telemetry_abi_version();
        } catch (\Throwable $error) {
            $why = $error->getMessage();
            if (self::isRestricted()) {
                $why .= ' (ffi.enable allows FFI in preloaded files only: see the README of this package)';
            }
            throw new Unavailable("$source cannot be used: $why", 0, $error);
        }
        if ($abi !== self::ABI_VERSION) {
            $wanted = self::ABI_VERSION;
            throw new Unavailable("$source cannot be used: its ABI is $abi, but this package was written for $wanted");
        }

        return $native;
    }

    private static function isRestricted(): bool
    {
        return \ini_get('ffi.enable') === 'preload' && !\in_array(\PHP_SAPI, ['cli', 'phpdbg', 'embed'], true);
    }

    private static function declarations(): string
    {
        return (string) \file_get_contents(__DIR__ . '/pact_telemetry.ffi.h');
    }
}
