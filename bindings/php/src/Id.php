<?php

declare(strict_types=1);

namespace PactFoundation\Telemetry;

/**
 * What stands for the machine: the digest of its name, or a random identifier.
 */
enum Id: string
{
    case Hostname = 'hostname';
    case Random = 'random';
}
