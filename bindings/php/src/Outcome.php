<?php

declare(strict_types=1);

namespace PactFoundation\Telemetry;

/**
 * The result of a call. Telemetry is no reason to stop a test: every outcome may be ignored.
 */
enum Outcome: string
{
    /** Done. */
    case Ok = 'ok';
    /** Not queued: the person opted out, or the host program turned telemetry off. explain() names the rule. */
    case Disabled = 'disabled';
    /** Not queued: Google's endpoint needs credentials, and none were given or built in. */
    case NotConfigured = 'not_configured';
    /** Not queued: the queue is full, or there is no memory. */
    case QueueFull = 'queue_full';
    /** Not queued: the client was closed. */
    case Closed = 'closed';
    /** Events were lost that no earlier call told of. stats() says why. */
    case Lost = 'lost';
    /** Nothing was lost, but some events wait on disk for another attempt. */
    case Kept = 'kept';
    /** A text that must not be null is null. */
    case ErrorNull = 'error_null';
    /** A text is not valid UTF-8. */
    case ErrorUtf8 = 'error_utf8';
    /** A text that must not be empty is empty or blank. */
    case ErrorEmpty = 'error_empty';
    /** A text is longer than its limit. */
    case ErrorTooLong = 'error_too_long';
    /** A text looks like a path, a URL or an address, or it contains a control character. It is never collected. */
    case ErrorForbidden = 'error_forbidden';
    /** A number is outside of its range. */
    case ErrorRange = 'error_range';
    /** The time is over and some events still wait. The library goes on with them. */
    case ErrorTimeout = 'error_timeout';
    /** The library failed, or there is no memory for the answer. */
    case ErrorInternal = 'error_internal';
    /** There is no library, or the options were wrong. Client::$unavailableReason says which. */
    case Unavailable = 'unavailable';
    /** A text contains a NUL character, or a time is not a number. */
    case Invalid = 'invalid';
    /** A positive status of a newer library, which this package does not know. */
    case Unknown = 'unknown';
    /** A negative status of a newer library, which this package does not know. */
    case ErrorUnknown = 'error_unknown';

    /** True for a mistake of the caller, a time-out, or a failure of the library. */
    public function isError(): bool
    {
        return $this === self::Invalid || \str_starts_with($this->value, 'error_');
    }

    /**
     * The outcome of a status of the C functions.
     *
     * @internal
     */
    public static function ofStatus(int $status): self
    {
        return match ($status) {
            0 => self::Ok,
            1 => self::Disabled,
            2 => self::NotConfigured,
            3 => self::QueueFull,
            4 => self::Closed,
            5 => self::Lost,
            6 => self::Kept,
            -1 => self::ErrorNull,
            -2 => self::ErrorUtf8,
            -3 => self::ErrorEmpty,
            -4 => self::ErrorTooLong,
            -5 => self::ErrorForbidden,
            -6 => self::ErrorRange,
            -7 => self::ErrorTimeout,
            -8 => self::ErrorInternal,
            default => $status > 0 ? self::Unknown : self::ErrorUnknown,
        };
    }
}
