<?php

/**
 * For the setting `opcache.preload`, where `ffi.enable=preload` allows FFI to preloaded files alone (php-fpm, mod_php):
 * loads the classes of this package. The setting `ffi.preload` names the file that ffi-preload.php prints.
 */

declare(strict_types=1);

foreach (\glob(__DIR__ . '/src/{Internal/,}*.php', \GLOB_BRACE) ?: [] as $file) {
    require_once $file;
}
