<?php

declare(strict_types=1);

namespace PactFoundation\Telemetry;

/**
 * Who shows the notice before anything leaves the machine: the library on standard error, or the host program. `Shown`
 * means that the host program has shown it.
 */
enum Notice: string
{
    case Stderr = 'stderr';
    case Host = 'host';
    case Shown = 'shown';
}
