<?php

declare(strict_types=1);

namespace PactFoundation\Telemetry;

/**
 * The kind of program that reports.
 */
enum DataSource: string
{
    case Cli = 'cli';
    case Client = 'client';
    case Broker = 'broker';
}
