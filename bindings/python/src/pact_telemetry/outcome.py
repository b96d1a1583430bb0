"""The outcomes of the client's calls."""

from __future__ import annotations

from enum import Enum


class Outcome(str, Enum):
    """The outcome of a call. It is also a str: `Outcome.OK == "ok"`.

    Those from OK to KEPT are no errors, nor is UNAVAILABLE. One that only a newer library knows is an error if it
    begins with `error_`. No outcome is a reason to stop a test: all of them may be ignored.
    """

    OK = "ok"
    """Done."""
    DISABLED = "disabled"
    """Not queued: the person opted out, or the host program turned telemetry off. `Client.explain` names the rule."""
    NOT_CONFIGURED = "not_configured"
    """Not queued: Google's endpoint needs credentials, and none were given or built in."""
    QUEUE_FULL = "queue_full"
    """Not queued: the queue has no capacity left."""
    CLOSED = "closed"
    """Not queued: the client was closed."""
    LOST = "lost"
    """Events were lost that no earlier call reported. `Client.stats` says why."""
    KEPT = "kept"
    """Nothing was lost, but some events wait on disk for another attempt."""
    ERROR_NULL = "error_null"
    """A required text is None."""
    ERROR_UTF8 = "error_utf8"
    """A text contains half of a surrogate pair, which UTF-8 cannot encode."""
    ERROR_EMPTY = "error_empty"
    """A text that must not be empty is empty or blank."""
    ERROR_TOO_LONG = "error_too_long"
    """A text is longer than its limit."""
    ERROR_FORBIDDEN = "error_forbidden"
    """A text looks like a path, a URL, an e-mail or a network address, which are never collected."""
    ERROR_RANGE = "error_range"
    """A number is outside of its range."""
    ERROR_TIMEOUT = "error_timeout"
    """The time is over, and some events still wait. The library goes on with them."""
    ERROR_INTERNAL = "error_internal"
    """The library has a fault."""

    UNAVAILABLE = "unavailable"
    """There is no library, or the options were wrong. `Client.unavailable_reason` says which."""
    INVALID = "invalid"
    """An argument has the wrong type, or a text contains a NUL character."""

    __str__ = str.__str__

    @property
    def is_error(self) -> bool:
        """True for a wrong argument, a time-out, or a fault of the library."""
        return self is Outcome.INVALID or self.value.startswith("error_")


def newer(name: str) -> Outcome:
    """Return an outcome that only a newer library knows, from the name of its status."""
    outcome = str.__new__(Outcome, name)
    outcome._name_ = name.upper()
    outcome._value_ = name
    return outcome
