<?php

declare(strict_types=1);

namespace PactFoundation\Telemetry;

/**
 * The Pact library that reports.
 */
final class Library
{
    /**
     * @param string $id      short name, such as `pact-php`
     * @param string $name    human-readable name, such as `Pact PHP`
     * @param string $version its version
     */
    public function __construct(
        public readonly string $id,
        public readonly string $name,
        public readonly string $version,
    ) {
    }
}
