<?php

/**
 * Loads the classes of this package. It is for the setting `opcache.preload`, where `ffi.enable=preload` allows FFI in
 * preloaded files only (php-fpm, mod_php). The setting `ffi.preload` names the file that ffi-preload.php prints.
 */

declare(strict_types=1);

foreach (\glob(__DIR__ . '/src/{Internal/,}*.php', \GLOB_BRACE) ?: [] as $file) {
    require_once $file;
}
