"""The client that a host program uses."""

from __future__ import annotations

import ctypes
import json
import os
from collections.abc import Mapping
from operator import index

from . import _runtime
from . import constants as names
from ._errors import is_own
from ._library import UnavailableError, load
from ._native import Native, Status
from ._processes import worker
from .outcome import Outcome, newer

TYPE_CHECKING = False  # `typing` itself costs a third of the import
if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta
    from types import TracebackType
    from typing import Any, TypeVar

    from typing_extensions import Self, Unpack

    from .types import Explanation, Options, Preview, Stats

    Answer = TypeVar("Answer", Explanation, Stats, Preview)

_UNAVAILABLE = Outcome.UNAVAILABLE
_OUTCOMES = {int(status): Outcome(status.name.lower()) for status in Status}
# The keys of `dropped` and `not_accepted` in the counters of a client without a library.
_DROP_REASONS = (
    "opted_out",
    "debug",
    "http_status",
    "expired",
    "spool_full",
    "no_notice",
    "not_persisted",
    "internal",
)
_REFUSAL_REASONS = ("disabled", "not_configured", "queue_full", "closed", "invalid")
_ERROR_CAPACITY = 1024
_TEXT_CAPACITY = 4096
_INT64_MAX = 2**63 - 1
_UINT32_MAX = 2**32 - 1

# Texts and values that were converted before: most events have the same few texts and small values. The number of
# entries is bounded. They are never removed, because a program with many texts gains nothing from the cache.
_TEXTS: dict[str | None, bytes | None] = {None: None}
_VALUES: dict[int, ctypes.c_int64] = {}
_CACHED = 256


class _Handle(ctypes.c_void_p):
    """A native client. It is freed exactly once, when nothing refers to this object any more.

    Every call passes this object and so refers to it: one thread cannot free what another thread is using.
    """

    native: Native

    def exit_timeout_ms(self) -> int:
        """Return how many milliseconds the exit of the process may take for this client."""
        return int(self.answer(self.native.pact_telemetry_explain)["exit_timeout_ms"])

    def persist(self, timeout_ms: int) -> int:
        """Wait until all that was accepted is on disk."""
        return self.native.pact_telemetry_persist(self, timeout_ms)

    def flush(self, timeout_ms: int) -> int:
        """Wait until all that was accepted is answered."""
        return self.native.pact_telemetry_flush(self, timeout_ms)

    def answer(self, function: Callable[..., int], *arguments: object) -> dict[str, Any]:
        """Return the JSON that a function writes into a buffer. Raise _RefusedError if it returns a status."""
        capacity = _TEXT_CAPACITY
        while True:
            buffer = ctypes.create_string_buffer(capacity)
            length = function(self, *arguments, buffer, capacity)
            if length < 0:
                raise _RefusedError(length)
            if length < capacity:
                return dict(json.loads(buffer.value))
            # A little more than the length, because counters may grow by a digit between two calls.
            capacity = length + 64

    def __del__(self) -> None:
        self.native.pact_telemetry_free(self)

    __hash__ = object.__hash__


class _RefusedError(Exception):
    """A function returned a status in place of a text."""


class Client:
    """Reports the events of one library. Any thread may use it at any time, also after a fork. No method raises.

    If the library cannot be loaded or an option is wrong, the client does nothing and `unavailable_reason` says why.
    A client that is garbage-collected without `close` loses nothing: the library sends what it queued.
    """

    unavailable_reason: str | None
    """Why this client does nothing; None if it works."""

    def __init__(self, **options: Unpack[Options]) -> None:
        """Make a client. It starts no thread, opens no socket and creates no file before the first accepted event.

        `library` is required; `pact_telemetry.Options` describes every option. By default, `test_framework` and
        `platform_version` are detected. With `notice="host"` your program shows the person the text in
        `explain()["notice"]`, and makes its clients with `"shown"` from then on. An option that the library does not
        know is ignored, and `explain()["diagnostics"]` names it.
        """
        self._handle: _Handle | None = None
        self.unavailable_reason = None
        try:
            self._native = load()
            self._track = self._native.track_prepared
            self._handle = _new(self._native, dict(options))
        except UnavailableError as error:
            self.unavailable_reason = str(error)
        except Exception as error:
            if not is_own(error):
                raise
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
        """Queue an event. OK if it was queued; anything else says why not. Takes about a microsecond."""
        handle = self._handle
        if handle is None:
            return _UNAVAILABLE
        try:
            # The tables contain values of the types that the function takes, so ctypes does not convert them again.
            status = self._track(
                handle,
                _TEXTS[event],
                _TEXTS[category],
                _TEXTS[action],
                _VALUES[value] if type(value) is int else _prepare_value(value),
                None if plugin_name is None else _TEXTS[plugin_name],
                None if plugin_version is None else _TEXTS[plugin_version],
            )
        except Exception as error:
            # A class that derives from str may hash as it likes.
            texts = (event, category, action, plugin_name, plugin_version)
            if not is_own(error) and all(text is None or type(text) is str for text in texts):
                raise  # and do not track it again: the event may be queued already
            return self._track_first(handle, event, category, action, value, plugin_name, plugin_version)
        if worker.may_be_killed is not False and status == 0:
            worker.hurry(handle)
        return _OUTCOMES[status] if status in _OUTCOMES else self._outcome(status)

    def _track_first(
        self, handle: _Handle, event: str, category: str, action: str, value: int, *plugin: str | None
    ) -> Outcome:
        """Queue an event with a text or a value that is not in the tables, or that is not valid."""
        try:
            texts = [_prepare_text(text) for text in (event, category, action, *plugin)]
            number = _prepare_value(value)
        except OverflowError:
            return Outcome.ERROR_RANGE
        except Exception as error:
            if not is_own(error):
                raise
            return Outcome.INVALID
        status = self._track(handle, *texts[:3], number, *texts[3:])
        if worker.may_be_killed is not False and status == 0:
            worker.hurry(handle)
        return self._outcome(status)

    def consumer_tests_ran(self, count: int) -> Outcome:
        """Report a run of consumer tests that ended; `count` is the number of interactions."""
        return self.track(
            names.EVENT_PACT_CONSUMER_TESTS_RAN,
            names.CATEGORY_CONSUMER_TEST,
            names.ACTION_COMPLETED,
            count,
        )

    def pacts_verified(self, count: int) -> Outcome:
        """Report a provider verification that ended; `count` is the number of results."""
        return self.track(names.EVENT_PACTS_VERIFIED, names.CATEGORY_PROVIDER_TEST, names.ACTION_COMPLETED, count)

    def plugin_loaded(self, name: str, version: str) -> Outcome:
        """Report a plugin that was loaded."""
        return self.track(names.EVENT_PLUGIN_LOADED, names.CATEGORY_PLUGIN, names.ACTION_LOADED, 1, name, version)

    def mock_server_started(self) -> Outcome:
        """Report a mock server that was started."""
        return self.track(
            names.EVENT_PACT_MOCK_SERVER_STARTED,
            names.CATEGORY_CONSUMER_TEST,
            names.ACTION_MOCK_SERVER_STARTED,
            1,
        )

    @property
    def enabled(self) -> bool:
        """Whether an event would be queued now. Reading it checks every rule again.

        Setting it to False discards the events that wait, and nothing is sent any more. Setting it to True cannot
        overrule the person's own choice.
        """
        handle = self._handle
        return handle is not None and self._native.pact_telemetry_is_enabled(handle) == 1

    @enabled.setter
    def enabled(self, value: bool) -> None:
        handle = self._handle
        if handle is not None:
            self._native.pact_telemetry_set_enabled(handle, _truth(value))

    def persist(self, timeout: float | timedelta = 1.0) -> Outcome:
        """Have everything that was accepted before put on disk, and wait for that at most `timeout` seconds.

        It waits for no server. Call it before a process ends without exit handlers (`os._exit`, a signal). KEPT: the
        events are on disk, and this process or a later one sends them. OK: no events wait. LOST, ERROR_TIMEOUT: not all
        events are on disk.
        """
        return self._wait(timeout, lambda handle, time: self._native.pact_telemetry_persist(handle, time))

    def flush(self, timeout: float | timedelta = 1.0) -> Outcome:
        """Have everything that was queued before sent, and wait for that at most `timeout` seconds."""
        return self._wait(timeout, lambda handle, time: self._native.pact_telemetry_flush(handle, time))

    def close(self, timeout: float | timedelta = 1.0) -> Outcome:
        """Take no more events, and flush for at most `timeout` seconds. Called again, it waits for what is left."""
        return self._wait(timeout, lambda handle, time: self._native.pact_telemetry_close(handle, time), or_else=0)

    def explain(self) -> Explanation:
        """Say whether the client is on, which rule decided, and what each rule read."""
        return self._answer(_no_explanation(), lambda handle: handle.answer(self._native.pact_telemetry_explain))

    def stats(self) -> Stats:
        """Say what became of the client's events in this process."""
        return self._answer(_no_stats(), lambda handle: handle.answer(self._native.pact_telemetry_stats))

    def preview(
        self,
        event: str,
        category: str,
        action: str,
        value: int = 1,
        plugin_name: str | None = None,
        plugin_version: str | None = None,
    ) -> Preview:
        """Show the request that would carry this event: `method`, `url`, `content_type`, `body`. Sends nothing."""
        return self._answer(
            _no_preview(),
            lambda handle: handle.answer(
                self._native.pact_telemetry_preview,
                *map(_encode, (event, category, action)),
                _count(value),
                *map(_encode, (plugin_name, plugin_version)),
            ),
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
        return f"<pact_telemetry.Client {self.explain()['state']}>"

    def _wait(
        self, timeout: float | timedelta, function: Callable[[_Handle, int], int], or_else: int | None = None
    ) -> Outcome:
        """Call a function that waits. If the time is not valid, call it with `or_else`, if that is given."""
        handle = self._handle
        if handle is None:
            return Outcome.OK  # there is nothing to wait for
        milliseconds = _milliseconds(timeout)
        if milliseconds is not None:
            return self._outcome(function(handle, milliseconds))
        if or_else is not None:
            function(handle, or_else)
        return Outcome.INVALID

    def _answer(self, answer: Answer, ask: Callable[[_Handle], dict[str, Any]]) -> Answer:
        """Return `answer` with the keys that the library answers, or with the reason why it does not answer."""
        handle = self._handle
        outcome = Outcome.OK
        if handle is None:
            outcome, answer["reason"] = Outcome.UNAVAILABLE, self.unavailable_reason
        else:
            try:
                answer.update(ask(handle))  # type: ignore[typeddict-item]
            except _RefusedError as error:
                outcome = self._outcome(error.args[0])
            except OverflowError:
                outcome = Outcome.ERROR_RANGE
            except Exception as error:
                if not is_own(error):
                    raise
                outcome = Outcome.INVALID
            if outcome is not Outcome.OK:
                answer["reason"] = f"the library cannot answer: {outcome}"
        answer["outcome"] = outcome.value
        return answer

    def _outcome(self, status: int) -> Outcome:
        known = _OUTCOMES.get(status)
        if known is not None:
            return known
        name = self._native.pact_telemetry_status_name(status).decode().removeprefix("PACT_TELEMETRY_").lower()
        return newer(name if status > 0 or name.startswith("error_") else f"error_{name}")


def _new(native: Native, options: dict[str, object]) -> _Handle:
    if options.get("platform_version") is None:
        options["platform_version"] = _runtime.platform_version()
    if options.get("test_framework") is None:
        options["test_framework"] = _runtime.test_framework()
    exit_timeout = options.pop("exit_timeout", None)
    if exit_timeout is not None:
        options["exit_timeout_ms"] = _by_program(_whole_milliseconds, exit_timeout)
    config = json.dumps(options, default=_plain).encode()
    error = ctypes.create_string_buffer(_ERROR_CAPACITY)
    address = native.pact_telemetry_new(config, error, _ERROR_CAPACITY)
    if address is None:
        raise UnavailableError(error.value.decode("utf-8", "replace"))
    handle = _Handle(address)
    handle.native = native
    worker.add(handle)
    return handle


def _no_explanation() -> Explanation:
    """Return the answer of a client without a library. The library's answer replaces all but the first two keys."""
    return {
        "outcome": "unavailable",
        "reason": None,
        "enabled": False,
        "state": "unavailable",
        "rule": None,
        "rules": [],
        "protocol": None,
        "endpoint": None,
        "destination": None,
        "configured": False,
        "debug": False,
        "ci": False,
        "exit_timeout_ms": 0,
        "queue_capacity": 0,
        "state_dir": None,
        "id": None,
        "notice": {"shown_ms": None, "hold_until_ms": None, "text": ""},
        "diagnostics": [],
    }


def _no_stats() -> Stats:
    return {
        "outcome": "unavailable",
        "reason": None,
        "accepted": 0,
        "delivered": 0,
        "unconfirmed": 0,
        "queued": 0,
        "spooled": 0,
        "dropped": dict.fromkeys(_DROP_REASONS, 0),
        "not_accepted": dict.fromkeys(_REFUSAL_REASONS, 0),
        "last_failure": None,
        "left_by_others": {"delivered": 0, "unconfirmed": 0, "dropped": 0},
    }


def _no_preview() -> Preview:
    return {"outcome": "unavailable", "reason": None, "method": None, "url": None, "content_type": None, "body": None}


def _plain(value: object) -> object:
    """Return what json can write for a Path, or for a mapping that is not a dict."""
    return _by_program(lambda value: dict(value) if isinstance(value, Mapping) else os.fspath(value), value)


def _by_program(function: Callable[[Any], Any], value: object) -> Any:
    """Call a function that may run methods of the program's own classes. Raise TypeError for what these raise."""
    try:
        return function(value)
    except Exception as error:
        raise TypeError(str(error)) from error


def _prepare_text(text: str | None) -> bytes | None:
    """Return the UTF-8 of a text, and remember it if the table has capacity."""
    encoded = _encode(text)
    if type(text) is str and len(text) < 512 and len(_TEXTS) < _CACHED:
        _TEXTS[text] = encoded
    return encoded


def _prepare_value(value: int) -> ctypes.c_int64:
    """Return the number as a C integer, and remember it if it is small."""
    number = _count(value)
    prepared = ctypes.c_int64(number)
    if 0 <= number < _CACHED:
        _VALUES[number] = prepared
    return prepared


def _encode(text: str | None) -> bytes | None:
    """Return the UTF-8 of a text. Half a surrogate pair is passed on, so that the library refuses and counts it."""
    if text is None:
        return None
    encoded = str.encode(text, "utf-8", "surrogatepass")
    if b"\0" in encoded:
        raise ValueError("a C string would end at the NUL character")
    return encoded


def _count(value: int) -> int:
    """Return the number, if it fits 64 bits; ctypes would truncate a larger one. A bool is not accepted."""
    number = value if type(value) is int else _by_program(index, value)
    if isinstance(value, bool):
        raise TypeError("the value must be a number, not a bool")
    if not -_INT64_MAX - 1 <= number <= _INT64_MAX:
        raise OverflowError
    return number


def _whole_milliseconds(time: object) -> int:
    """Return the whole milliseconds of seconds or of a timedelta, rounded up. Raise for any other value."""
    seconds = getattr(time, "total_seconds", None)
    milliseconds = (time if seconds is None else seconds()) * 1000  # type: ignore[operator]
    return int(-(-milliseconds // 1))


def _milliseconds(timeout: object) -> int | None:
    """Return the milliseconds, at least 1 for any time above zero, so that a short wait is still a wait.

    Return None if the time is neither a number nor a timedelta.
    """
    try:
        seconds = getattr(timeout, "total_seconds", None)
        time = timeout if seconds is None else seconds()
        return _whole_milliseconds(min(max(time, 0), _UINT32_MAX // 1000))  # type: ignore[type-var]
    except Exception as error:
        if type(timeout) in (int, float) and not is_own(error):
            raise
        return None


def _truth(value: object) -> int:
    """Return 1 if the value is true, and 0 if it is false or cannot be converted to a bool."""
    try:
        return int(bool(value))
    except Exception:
        return 0
