"""The client: what a host uses."""

from __future__ import annotations

import ctypes
import json
import math
import operator
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from . import _runtime
from . import constants as names
from ._library import UnavailableError, load
from ._native import Native, Status
from .outcome import Outcome, newer

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

_OUTCOMES = {int(status): Outcome(status.name.lower()) for status in Status}
# Most events are of these texts; a look here costs a quarter of the encoding.
_ENCODED = {text: text.encode() for name, text in vars(names).items() if name.isupper()}
_ERROR_CAPACITY = 1024
_TEXT_CAPACITY = 4096
_INT64 = range(-(2**63), 2**63)
_UINT32_MAX = 2**32 - 1


class Library(TypedDict):
    """The Pact library that reports: machine name (`pact-python`), human name (`Pact Python`), version."""

    id: str
    name: str
    version: str


class _Handle:
    """A native client, given back exactly once: when nothing refers to this object any more.

    Every call holds a reference while it is inside of the library. So `close` on one thread cannot free what another
    thread is using, without a lock.
    """

    __slots__ = ("_free", "address")

    def __init__(self, address: int, free: Callable[[int | None], None]) -> None:
        self.address = address
        self._free = free

    def __del__(self) -> None:
        self._free(self.address)


class Client:
    """Who reports. Any thread may use it at any time, also after a fork. Nothing here raises.

    If the library cannot be loaded or an option is wrong, the client does nothing and `unavailable_reason` says why.
    A client that is dropped without `close` loses nothing: what it queued stays with the library's sender.
    """

    unavailable_reason: str | None
    """Why this client does nothing; None if it works."""

    def __init__(
        self,
        *,
        library: Library | Mapping[str, str] | None = None,
        data_source: str | None = None,
        test_framework: str | None = None,
        platform_version: str | None = None,
        enabled: bool | None = None,
        protocol: str | None = None,
        endpoint: str | None = None,
        measurement_id: str | None = None,
        api_secret: str | None = None,
        tracking_id: str | None = None,
        queue_capacity: int | None = None,
        state_dir: str | os.PathLike[str] | None = None,
        exit_timeout_ms: int | None = None,
        notice: Literal["stderr", "host", "shown"] | None = None,
        id: Literal["hostname", "random"] | None = None,  # noqa: A002 - the key of the config
        **more: object,
    ) -> None:
        """Make a client. Starts nothing: no thread, no socket, no file before the first event that is accepted.

        The options are the keys of the library's config (docs/config.md); None is the default. `library` is required.
        `test_framework` and `platform_version` are filled in from this process. With `notice="host"` you show the
        person the text in `explain()["notice"]` yourself, and make clients with `"shown"` from then on. `more` is for
        keys of a newer library; one that it does not know is named by `explain`.
        """
        options: dict[str, object] = {
            "library": library,
            "data_source": data_source,
            "test_framework": test_framework,
            "platform_version": platform_version,
            "enabled": enabled,
            "protocol": protocol,
            "endpoint": endpoint,
            "measurement_id": measurement_id,
            "api_secret": api_secret,
            "tracking_id": tracking_id,
            "queue_capacity": queue_capacity,
            "state_dir": state_dir,
            "exit_timeout_ms": exit_timeout_ms,
            "notice": notice,
            "id": id,
            **more,
        }
        self._handle: _Handle | None = None
        self._without_handle = Outcome.UNAVAILABLE
        self.unavailable_reason = None
        try:
            self._native = load()
            self._track = self._native.pact_telemetry_track
            self._handle = _new(self._native, options)
        except UnavailableError as error:
            self.unavailable_reason = str(error)
        except Exception as error:
            self.unavailable_reason = f"the options cannot be used: {error!r}"

    def track(
        self,
        event: str,
        category: str,
        action: str,
        value: int = 1,
        plugin_name: str | None = None,
        plugin_version: str | None = None,
    ) -> Outcome:
        """Queue an event. OK if it was queued; anything else says why not."""
        handle = self._handle
        if handle is None:
            return self._without_handle
        try:
            status = self._track(
                handle.address,
                _ENCODED.get(event) or _encode(event),
                _ENCODED.get(category) or _encode(category),
                _ENCODED.get(action) or _encode(action),
                value if type(value) is int and 0 <= value < 2**63 else _count(value),
                None if plugin_name is None else _encode(plugin_name),
                None if plugin_version is None else _encode(plugin_version),
            )
        except OverflowError:
            return Outcome.ERROR_RANGE
        except Exception:
            return Outcome.INVALID
        return _OUTCOMES.get(status) or self._outcome(status)

    def consumer_tests_ran(self, count: int) -> Outcome:
        """A run of consumer tests ended; `count` is the number of interactions."""
        return self.track(
            names.EVENT_PACT_CONSUMER_TESTS_RAN,
            names.CATEGORY_CONSUMER_TEST,
            names.ACTION_COMPLETED,
            count,
        )

    def pacts_verified(self, count: int) -> Outcome:
        """A provider verification ended; `count` is the number of results."""
        return self.track(names.EVENT_PACTS_VERIFIED, names.CATEGORY_PROVIDER_TEST, names.ACTION_COMPLETED, count)

    def plugin_loaded(self, name: str, version: str) -> Outcome:
        """A plugin was loaded."""
        return self.track(names.EVENT_PLUGIN_LOADED, names.CATEGORY_PLUGIN, names.ACTION_LOADED, 1, name, version)

    def mock_server_started(self) -> Outcome:
        """A mock server was started."""
        return self.track(
            names.EVENT_PACT_MOCK_SERVER_STARTED,
            names.CATEGORY_CONSUMER_TEST,
            names.ACTION_MOCK_SERVER_STARTED,
            1,
        )

    @property
    def enabled(self) -> bool:
        """Would an event be queued now? Asks every rule anew.

        Set to False, what waits is thrown away and nothing leaves any more. Set to True, the person's own choice still
        holds.
        """
        handle = self._handle
        return handle is not None and self._native.pact_telemetry_is_enabled(handle.address) == 1

    @enabled.setter
    def enabled(self, value: bool) -> None:
        handle = self._handle
        if handle is not None:
            self._native.pact_telemetry_set_enabled(handle.address, _truth(value))

    def flush(self, timeout: float = 1.0) -> Outcome:
        """Have everything sent that was queued before, and wait for it at most `timeout` seconds."""
        handle = self._handle
        if handle is None:
            return self._nothing_to_wait_for()
        milliseconds = _milliseconds(timeout)
        if milliseconds is None:
            return Outcome.INVALID
        return self._outcome(self._native.pact_telemetry_flush(handle.address, milliseconds))

    def close(self, timeout: float = 1.0) -> Outcome:
        """Take no more events, flush for at most `timeout` seconds, and give the native client back."""
        handle = self._handle
        if handle is None:
            return self._nothing_to_wait_for()
        milliseconds = _milliseconds(timeout)
        status = self._native.pact_telemetry_close(handle.address, milliseconds or 0)
        self._without_handle = Outcome.CLOSED
        self._handle = None
        return Outcome.INVALID if milliseconds is None else self._outcome(status)

    def explain(self) -> dict[str, Any]:
        """Tell whether the client is on, which rule decided, and what each rule read."""
        return self._text(lambda handle, out, size: self._native.pact_telemetry_explain(handle, out, size))

    def stats(self) -> dict[str, Any]:
        """Tell what became of the client's events in this process."""
        return self._text(lambda handle, out, size: self._native.pact_telemetry_stats(handle, out, size))

    def preview(
        self,
        event: str,
        category: str,
        action: str,
        value: int = 1,
        plugin_name: str | None = None,
        plugin_version: str | None = None,
    ) -> dict[str, Any]:
        """Show the request that this event alone would be: `method`, `url`, `content_type`, `body`. Sends nothing."""
        return self._text(
            lambda handle, out, size: self._native.pact_telemetry_preview(
                handle,
                _encode(event),
                _encode(category),
                _encode(action),
                _count(value),
                _encode(plugin_name),
                _encode(plugin_version),
                out,
                size,
            )
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = self._without_handle if self._handle is None else "open"
        return f"<pact_telemetry.Client {state}>"

    def _nothing_to_wait_for(self) -> Outcome:
        return Outcome.OK if self._without_handle is Outcome.UNAVAILABLE else self._without_handle

    def _text(self, write: Callable[[int, ctypes.Array[ctypes.c_char] | None, int], int]) -> dict[str, Any]:
        """Return the JSON that `write` leaves in a buffer, or why there is none under "unavailable"."""
        handle = self._handle
        if handle is None:
            return {"unavailable": self.unavailable_reason or "the client is closed"}
        length, capacity = _TEXT_CAPACITY, 0
        try:
            while length >= capacity:
                # Some room to spare: counters may grow by a digit between two looks.
                capacity = length + 64
                buffer = ctypes.create_string_buffer(capacity)
                length = write(handle.address, buffer, capacity)
            if length < 0:
                return {"unavailable": str(self._outcome(length))}
            return dict(json.loads(buffer.value))
        except OverflowError:
            return {"unavailable": str(Outcome.ERROR_RANGE)}
        except Exception:
            return {"unavailable": str(Outcome.INVALID)}

    def _outcome(self, status: int) -> Outcome:
        known = _OUTCOMES.get(status)
        if known is not None:
            return known
        name = self._native.pact_telemetry_status_name(status).decode().removeprefix("PACT_TELEMETRY_").lower()
        return newer(name if status > 0 or name.startswith("error_") else f"error_{name}")


def _new(native: Native, options: dict[str, object]) -> _Handle:
    if options["platform_version"] is None:
        options["platform_version"] = _runtime.platform_version()
    if options["test_framework"] is None:
        options["test_framework"] = _runtime.test_framework()
    config = json.dumps(options, default=_plain).encode()
    error = ctypes.create_string_buffer(_ERROR_CAPACITY)
    address = native.pact_telemetry_new(config, error, _ERROR_CAPACITY)
    if address is None:
        raise UnavailableError(error.value.decode("utf-8", "replace"))
    return _Handle(address, native.pact_telemetry_free)


def _plain(value: object) -> object:
    """Return what json can write for what a Python host gives in good faith: a Path, a mapping that is no dict."""
    return dict(value) if isinstance(value, Mapping) else os.fspath(value)  # type: ignore[call-overload]


def _encode(text: str | None) -> bytes | None:
    """Return the UTF-8 of a text. Half a surrogate pair is passed on, for the library to refuse and to count."""
    if text is None:
        return None
    encoded = str.encode(text, "utf-8", "surrogatepass")
    if b"\0" in encoded:
        raise ValueError("C would take a NUL for the end of the text")
    return encoded


def _count(value: int) -> int:
    """Return a number that C can take; ctypes would cut a larger one. A bool is a mistake, not a number."""
    if isinstance(value, bool):
        raise TypeError("a count, not a bool")
    number = operator.index(value)
    if number not in _INT64:
        raise OverflowError
    return number


def _milliseconds(seconds: float) -> int | None:
    """Return at least 1 for any time that is not none, so that a short wait is still a wait; None for no number."""
    try:
        return math.ceil(min(max(seconds * 1000, 0), _UINT32_MAX))
    except Exception:
        return None


def _truth(value: object) -> int:
    """Return 0 for what does not say clearly that it is true: here the doubt is the person's."""
    try:
        return int(bool(value))
    except Exception:
        return 0
