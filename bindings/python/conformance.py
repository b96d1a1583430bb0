"""Replays conformance cases through the native layer. Reads one JSON object per line, and prints one for each."""

from __future__ import annotations

import ctypes
import json
import os
import sys
from typing import TYPE_CHECKING, Any, TypeAlias

from pact_telemetry._library import load

if TYPE_CHECKING:
    from pact_telemetry._native import Address

Call: TypeAlias = dict[str, Any]
UNSUPPORTED = "unsupported"
CAPACITY = 65536
NATIVE = load()


def main() -> None:
    """Answer every line until the input ends."""
    for line in sys.stdin:
        print(json.dumps(replay(json.loads(line))), flush=True)


def replay(case: dict[str, Any]) -> dict[str, Any]:
    """Make the client, make its calls, free it."""
    error = ctypes.create_string_buffer(512)
    client = NATIVE.pact_telemetry_new(raw(case.get("config")), error, 512)
    try:
        results = [answer(client, call) for call in case.get("calls") or []]
    finally:
        NATIVE.pact_telemetry_free(client)
    return {
        "name": case.get("name"),
        "new": decoded(error.value) if client is None else None,
        "results": results,
    }


def answer(client: Address, call: Call) -> object:
    """Make one call."""
    try:
        return CALLS[call["call"]](client, call)
    except (KeyError, NulInsideError):
        return UNSUPPORTED


class NulInsideError(Exception):
    """A text with a NUL inside, where C would end it."""


def raw(text: Any) -> bytes | None:
    """Return the bytes of an argument: text, null, or {"hex": …}."""
    if text is None:
        return None
    value = bytes.fromhex(text["hex"]) if isinstance(text, dict) else str.encode(text, "utf-8", "surrogatepass")
    if b"\0" in value:
        raise NulInsideError
    return value


def decoded(text: bytes) -> str:
    """Return the text that the library wrote; bytes that are not UTF-8 are escaped, and so differ in the comparison."""
    return text.decode("utf-8", "backslashreplace")


def event(call: Call) -> tuple[bytes | None, bytes | None, bytes | None, int, bytes | None, bytes | None]:
    """Return the arguments of `track` and `preview`."""
    return (
        raw(call.get("event")),
        raw(call.get("category")),
        raw(call.get("action")),
        call.get("value") or 0,
        raw(call.get("plugin_name")),
        raw(call.get("plugin_version")),
    )


def written(function: Any, client: Address, call: Call, *arguments: object) -> object:
    """Return the text that a function writes into a buffer, or its status."""
    given = call.get("capacity")
    capacity = CAPACITY if given is None else given
    buffer = ctypes.create_string_buffer(capacity) if capacity else None
    length = function(client, *arguments, buffer, capacity)
    return length if length < 0 else decoded(buffer.value if buffer else b"")


def setenv(_client: Address, call: Call) -> int:
    """Change the environment as a Python program does."""
    if call.get("value") is None:
        os.environ.pop(call["name"], None)
    else:
        os.environ[call["name"]] = call["value"]
    return 0


CALLS: dict[str, Any] = {
    "track": lambda client, call: NATIVE.pact_telemetry_track(client, *event(call)),
    "preview": lambda client, call: written(NATIVE.pact_telemetry_preview, client, call, *event(call)),
    "explain": lambda client, call: written(NATIVE.pact_telemetry_explain, client, call),
    "stats": lambda client, call: written(NATIVE.pact_telemetry_stats, client, call),
    "set_enabled": lambda client, call: NATIVE.pact_telemetry_set_enabled(client, call.get("enabled") or 0),
    "is_enabled": lambda client, _call: NATIVE.pact_telemetry_is_enabled(client),
    "persist": lambda client, call: NATIVE.pact_telemetry_persist(client, call.get("timeout_ms") or 0),
    "flush": lambda client, call: NATIVE.pact_telemetry_flush(client, call.get("timeout_ms") or 0),
    "close": lambda client, call: NATIVE.pact_telemetry_close(client, call.get("timeout_ms") or 0),
    "status_name": lambda _client, call: decoded(NATIVE.pact_telemetry_status_name(call.get("status") or 0)),
    "version": lambda _client, _call: decoded(NATIVE.pact_telemetry_version()),
    "abi_version": lambda _client, _call: NATIVE.pact_telemetry_abi_version(),
    "setenv": setenv,
}

if __name__ == "__main__":
    main()
