<?php

/**
 * Loads classes as Composer's autoloader does, so that the tests of this package do not need Composer.
 */

declare(strict_types=1);

\spl_autoload_register(static function (string $class): void {
    $folders = [
        'PactFoundation\Telemetry\Tests\\' => __DIR__,
        'PactFoundation\Telemetry\\' => \dirname(__DIR__) . '/src',
    ];
    foreach ($folders as $prefix => $folder) {
        $file = $folder . '/' . \str_replace('\\', '/', \substr($class, \strlen($prefix))) . '.php';
        if (\str_starts_with($class, $prefix) && \is_file($file)) {
            require_once $file;

            return;
        }
    }
});
