<?php

declare(strict_types=1);

namespace PactFoundation\Telemetry\Internal;

/**
 * The library cannot be used; the message says why.
 *
 * @internal
 */
final class Unavailable extends \Exception
{
}
