<?php

declare(strict_types=1);

namespace PactFoundation\Telemetry;

/**
 * The protocol of the requests.
 */
enum Protocol: string
{
    case Ga4 = 'ga4';
    case UniversalAnalytics = 'universal-analytics';
    case Otlp = 'otlp';
}
