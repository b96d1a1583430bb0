<?php

/**
 * Prints the file for the setting `ffi.preload`. It is needed where `ffi.enable=preload` allows FFI in preloaded files
 * only (php-fpm, mod_php). It declares the functions of the library under a name that the client finds.
 *
 *     php vendor/pact-foundation/telemetry/ffi-preload.php > /etc/php/pact_telemetry.h
 */

declare(strict_types=1);

require_once __DIR__ . '/src/Internal/Unavailable.php';
require_once __DIR__ . '/src/Internal/Native.php';

echo \PactFoundation\Telemetry\Internal\Native::preload();
