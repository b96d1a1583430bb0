"""What a call came to."""

from __future__ import annotations

from enum import Enum


class Outcome(str, Enum):
    """What a call came to. It is text, too: `Outcome.OK == "ok"`.

    Those from OK to KEPT are fine, and so are UNAVAILABLE and any that only a newer library knows, unless it begins
    with `error_`. Telemetry is no reason to stop a test: all of them may be ignored.
    """

    OK = "ok"
    """Done."""
    DISABLED = "disabled"
    """Not queued: the person opted out, or the host turned telemetry off. `Client.explain` names the rule."""
    NOT_CONFIGURED = "not_configured"
    """Not queued: no credentials were given or built in."""
    QUEUE_FULL = "queue_full"
    """Not queued: as many events as allowed wait already."""
    CLOSED = "closed"
    """Not queued: the client was closed."""
    LOST = "lost"
    """Events were lost that no earlier call told of. `Client.stats` says why."""
    KEPT = "kept"
    """Nothing was lost, but some of it waits on disk for another attempt."""
    ERROR_NULL = "error_null"
    """A text that is needed is None."""
    ERROR_UTF8 = "error_utf8"
    """A text has half of a surrogate pair, which UTF-8 cannot say."""
    ERROR_EMPTY = "error_empty"
    """A text that must not be empty is empty or blank."""
    ERROR_TOO_LONG = "error_too_long"
    """A text is longer than its limit."""
    ERROR_FORBIDDEN = "error_forbidden"
    """A text looks like a path, a URL, an e-mail or a network address: never collected."""
    ERROR_RANGE = "error_range"
    """A number is outside of its range."""
    ERROR_TIMEOUT = "error_timeout"
    """The time is over, and something still waits. The library goes on with it."""
    ERROR_INTERNAL = "error_internal"
    """A fault of the library's."""

    UNAVAILABLE = "unavailable"
    """There is no library, or the options were wrong. `Client.unavailable_reason` says which."""
    INVALID = "invalid"
    """An argument is not of its type, or a text has a NUL character."""

    __str__ = str.__str__

    @property
    def is_error(self) -> bool:
        """True for what the caller did wrong, a time-out, or a fault of the library's."""
        return self is Outcome.INVALID or self.value.startswith("error_")


def newer(name: str) -> Outcome:
    """Return an outcome that only a newer library knows, by its status's name."""
    outcome = str.__new__(Outcome, name)
    outcome._name_ = name.upper()
    outcome._value_ = name
    return outcome
