<?php

declare(strict_types=1);

namespace PactFoundation\Telemetry;

/**
 * What a call came to. Telemetry is no reason to stop a test: every outcome may be ignored.
 */
enum Outcome: string
{
    /** Done. */
    case Ok = 'ok';
    /** Not queued: the person opted out, or the host program turned telemetry off. explain() names the rule. */
    case Disabled = 'disabled';
    /** Not queued: no credentials were given or built in. */
    case NotConfigured = 'not_configured';
    /** Not queued: as many events as allowed wait already. */
    case QueueFull = 'queue_full';
    /** Not queued: the client was closed. */
    case Closed = 'closed';
    /** Events were lost that no earlier call told of. stats() says why. */
    case Lost = 'lost';
    /** Nothing was lost, but some of it waits on disk for another attempt. */
    case Kept = 'kept';
    /** A text that is needed is null. */
    case ErrorNull = 'error_null';
    /** A text is not valid UTF-8. */
    case ErrorUtf8 = 'error_utf8';
    /** A text that must not be empty is empty or blank. */
    case ErrorEmpty = 'error_empty';
    /** A text is longer than its limit. */
    case ErrorTooLong = 'error_too_long';
    /** A text looks like a path, a URL, an e-mail or a network address: never collected. */
    case ErrorForbidden = 'error_forbidden';
    /** A number is outside of its range. */
    case ErrorRange = 'error_range';
    /** The time is over, and something still waits. The library goes on with it. */
    case ErrorTimeout = 'error_timeout';
    /** A fault of the library's. */
    case ErrorInternal = 'error_internal';
    /** There is no library, or the options were wrong. Client::$unavailableReason says which. */
    case Unavailable = 'unavailable';
    /** A text has a NUL character, or a time is no number. */
    case Invalid = 'invalid';
    /** Fine, by a status that only a newer library knows. */
    case Unknown = 'unknown';
    /** An error, by a status that only a newer library knows. */
    case ErrorUnknown = 'error_unknown';

    /** True for what the caller did wrong, a time-out, or a fault of the library's. */
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
