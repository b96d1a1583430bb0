<?php

declare(strict_types=1);

namespace PactFoundation\Telemetry;

/**
 * What kind of program reports.
 */
enum DataSource: string
{
    case Cli = 'cli';
    case Client = 'client';
    case Broker = 'broker';
}
