<?php

declare(strict_types=1);

namespace PactFoundation\Telemetry\Internal;

/**
 * A native client. It is released once, when nothing refers to this object any more.
 *
 * @internal
 */
final class Handle
{
    private const CAPACITY = 4096;

    public function __construct(public readonly \FFI $native, public readonly \FFI\CData $address)
    {
    }

    public function __destruct()
    {
        $this->native->pact_telemetry_free($this->address);
    }

    /**
     * The text that a function writes into a buffer, or the status that it returns instead.
     *
     * @param callable(\FFI\CData, int): int $write gets the buffer and its size
     */
    public function text(callable $write): string|int
    {
        $capacity = self::CAPACITY;
        while (true) {
            $buffer = $this->native->new("char[$capacity]");
            $length = $write($buffer, $capacity);
            if ($length < 0) {
                return $length;
            }
            if ($length < $capacity) {
                return \FFI::string($buffer, $length);
            }
            // A little more than the length: counters may grow by a digit between two calls.
            $capacity = $length + 64;
        }
    }
}
