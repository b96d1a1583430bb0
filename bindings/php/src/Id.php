<?php

declare(strict_types=1);

namespace PactFoundation\Telemetry;

/**
 * What identifies the machine: the digest of its hostname, or a random identifier.
 */
enum Id: string
{
    case Hostname = 'hostname';
    case Random = 'random';
}
