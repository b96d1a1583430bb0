"""The types of what a client takes and returns. They are for annotations: the client itself does not import them.

Every key of an answer is there in every state: with the library, without it, and after `close`.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Literal, TypedDict

Name = Literal[
    "ok",
    "disabled",
    "not_configured",
    "queue_full",
    "closed",
    "lost",
    "kept",
    "error_null",
    "error_utf8",
    "error_empty",
    "error_too_long",
    "error_forbidden",
    "error_range",
    "error_timeout",
    "error_internal",
    "unavailable",
    "invalid",
]
"""The values of `Outcome`, as text."""


class Library(TypedDict):
    """The Pact library that reports: name for programs (`pact-python`), name for people (`Pact Python`), version."""

    id: str
    name: str
    version: str


class _Required(TypedDict):
    library: Library


class Options(_Required, total=False):
    """The options of a client. `library` is required. None stands for the default, as if the key were left out."""

    data_source: Literal["cli", "client", "broker"] | None
    """What kind of program reports. Default: `client`."""
    test_framework: str | None
    """Default: the framework that runs this process, if one is recognised; "" for none."""
    platform_version: str | None
    """Default: such as `Python 3.11.4`; "" for none."""
    enabled: bool | None
    """The host program's own switch. False turns the client off; True cannot overrule the person."""
    protocol: Literal["ga4", "universal-analytics", "otlp"] | None
    """The protocol. Default: `ga4`."""
    endpoint: str | None
    """URL of another destination: `https`, or `http` on this machine."""
    measurement_id: str | None
    """Credentials of a GA4 data stream, together with `api_secret`. Default: built in."""
    api_secret: str | None
    tracking_id: str | None
    """Credentials of a Universal Analytics property. Default: built in."""
    queue_capacity: int | None
    """How many events may wait in memory, 1 to 4096. Default: 4096."""
    state_dir: str | os.PathLike[str] | None
    """Absolute path of the folder where events wait for another attempt."""
    exit_timeout: float | timedelta | None
    """The longest time that the exit of the process waits, in seconds, 0 to 10. Default: 0.1; in CI 0.5."""
    notice: Literal["stderr", "host", "shown"] | None
    """Who shows the notice before anything is sent: the library (`stderr`, the default) or the host program.

    With `host`, the program shows the text in `explain()["notice"]`, and makes its clients with `shown` from then on.
    """
    id: Literal["hostname", "random"] | None
    """What identifies the machine: the digest of its name (default), or a random identifier."""


class Rule(TypedDict, total=False):
    """What one of the rules of consent found. `path` is there if the rule is read from a file."""

    rule: str
    says: Literal["on", "off", "no opinion"]
    read: object
    path: str


class Notice(TypedDict):
    """When the notice was shown, until when events are held back because of it, and its text.

    Both times are in milliseconds since 1970, and None before the notice was shown.
    """

    shown_ms: int | None
    hold_until_ms: int | None
    text: str


class Explanation(TypedDict):
    """Whether the client is on, and why. Without the library, what only the library knows is None, False or empty."""

    outcome: Name
    """`ok`, or why the library could not be asked."""
    reason: str | None
    """The reason in words; None if `outcome` is `ok`."""
    enabled: bool
    state: Literal["enabled", "disabled", "not configured", "closed", "unavailable"]
    rule: str | None
    """The rule that turned it off; None if none did."""
    rules: list[Rule]
    protocol: str | None
    endpoint: str | None
    destination: str | None
    """The digest that identifies the destination in the state folder."""
    configured: bool
    debug: bool
    ci: bool
    exit_timeout_ms: int
    queue_capacity: int
    state_dir: str | None
    id: Literal["hostname", "random"] | None
    notice: Notice
    diagnostics: list[str]


class LeftByOthers(TypedDict):
    """What this process did with the events that earlier processes had left."""

    delivered: int
    unconfirmed: int
    dropped: int


class Stats(TypedDict):
    """What became of the client's events in this process. Without the library all numbers are 0."""

    outcome: Name
    reason: str | None
    accepted: int
    """Always `delivered + unconfirmed + queued + spooled +` the sum of `dropped`."""
    delivered: int
    unconfirmed: int
    """Sent completely, but no answer was received. Not sent again."""
    queued: int
    spooled: int
    dropped: dict[str, int]
    """Lost, by reason. Every reason is there in every state."""
    not_accepted: dict[str, int]
    """Not taken, by reason. Every reason is there in every state."""
    last_failure: str | None
    left_by_others: LeftByOthers


class Preview(TypedDict):
    """The request that would carry an event. Its parts are None if there is none, and `reason` says why."""

    outcome: Name
    reason: str | None
    method: str | None
    url: str | None
    content_type: str | None
    body: str | None
