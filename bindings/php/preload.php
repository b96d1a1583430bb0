<?php

/**
 * For `opcache.preload`, where `ffi.enable=preload` allows FFI to preloaded files alone (php-fpm, mod_php): declares
 * the functions of the library under a name that the client finds. Loads the library; starts nothing.
 */

declare(strict_types=1);

(static function (): void {
    $folder = __DIR__ . '/src/Internal';
    require_once "$folder/Unavailable.php";
    require_once "$folder/Native.php";
    \PactFoundation\Telemetry\Internal\Native::preload();
})();
