<?php

declare(strict_types=1);

namespace PactFoundation\Telemetry;

/**
 * What shows the notice before anything leaves: the library on standard error, or the host program.
 */
enum Notice: string
{
    case Stderr = 'stderr';
    case Host = 'host';
    case Shown = 'shown';
}
