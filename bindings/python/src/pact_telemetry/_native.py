"""The functions and status codes of pact_telemetry.h, one to one, and nothing more.

It uses ctypes and not cffi, because cffi could crash the host program. The library reads the environment in `track`, on
the caller's thread, while another thread may run `os.environ[...] = ...`, which can free what is being read. Only the
GIL keeps the two apart, and cffi releases it around every call. Here a call that does not wait keeps the GIL, and only
`persist`, `flush` and `close` release it. (cffi would also parse C for 70 ms, and start a compiler to search for a
library that is missing.)
"""

from __future__ import annotations

import ctypes
from ctypes import c_char_p, c_int32, c_int64, c_uint32, c_void_p
from enum import IntEnum

TYPE_CHECKING = False  # `typing` itself costs a third of the import
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

ABI_VERSION = 1
"""The ABI that this file was written for."""

Address: TypeAlias = "int | c_void_p | None"
"""A client; None is NULL."""

Text: TypeAlias = "bytes | None"
"""NUL-terminated UTF-8; None is NULL. A NUL inside is not detected."""

Buffer: TypeAlias = "ctypes.Array[ctypes.c_char] | None"
"""What `ctypes.create_string_buffer` makes; None is NULL."""


class Status(IntEnum):
    """What the functions return."""

    OK = 0
    DISABLED = 1
    NOT_CONFIGURED = 2
    QUEUE_FULL = 3
    CLOSED = 4
    LOST = 5
    KEPT = 6
    ERROR_NULL = -1
    ERROR_UTF8 = -2
    ERROR_EMPTY = -3
    ERROR_TOO_LONG = -4
    ERROR_FORBIDDEN = -5
    ERROR_RANGE = -6
    ERROR_TIMEOUT = -7
    ERROR_INTERNAL = -8


SIGNATURES: dict[str, tuple[Any, ...]] = {
    # name: (result, *parameters)
    "pact_telemetry_abi_version": (c_uint32,),
    "pact_telemetry_version": (c_char_p,),
    "pact_telemetry_status_name": (c_char_p, c_int32),
    "pact_telemetry_new": (c_void_p, c_char_p, c_char_p, c_uint32),
    "pact_telemetry_track": (c_int32, c_void_p, c_char_p, c_char_p, c_char_p, c_int64, c_char_p, c_char_p),
    "pact_telemetry_set_enabled": (c_int32, c_void_p, c_int32),
    "pact_telemetry_is_enabled": (c_int32, c_void_p),
    "pact_telemetry_explain": (c_int32, c_void_p, c_char_p, c_uint32),
    "pact_telemetry_preview": (
        *(c_int32, c_void_p, c_char_p, c_char_p, c_char_p, c_int64, c_char_p, c_char_p),
        *(c_char_p, c_uint32),
    ),
    "pact_telemetry_stats": (c_int32, c_void_p, c_char_p, c_uint32),
    "pact_telemetry_persist": (c_int32, c_void_p, c_uint32),
    "pact_telemetry_flush": (c_int32, c_void_p, c_uint32),
    "pact_telemetry_close": (c_int32, c_void_p, c_uint32),
    "pact_telemetry_free": (None, c_void_p),
}

WAITING = frozenset({"pact_telemetry_persist", "pact_telemetry_flush", "pact_telemetry_close"})
"""The functions that take a time-out. They release the GIL."""


class Native:
    """The loaded library. Nothing unloads it."""

    pact_telemetry_abi_version: Callable[[], int]
    pact_telemetry_version: Callable[[], bytes]
    pact_telemetry_status_name: Callable[[int], bytes]
    pact_telemetry_new: Callable[[Text, Buffer, int], int | None]
    pact_telemetry_track: Callable[[Address, Text, Text, Text, int, Text, Text], int]
    pact_telemetry_set_enabled: Callable[[Address, int], int]
    pact_telemetry_is_enabled: Callable[[Address], int]
    pact_telemetry_explain: Callable[[Address, Buffer, int], int]
    pact_telemetry_preview: Callable[[Address, Text, Text, Text, int, Text, Text, Buffer, int], int]
    pact_telemetry_stats: Callable[[Address, Buffer, int], int]
    pact_telemetry_persist: Callable[[Address, int], int]
    pact_telemetry_flush: Callable[[Address, int], int]
    pact_telemetry_close: Callable[[Address, int], int]
    pact_telemetry_free: Callable[[Address], None]

    track_prepared: Callable[..., int]
    """`pact_telemetry_track` without `argtypes`. It costs a third less, because ctypes does not check the arguments.

    The client must be a `c_void_p`, each text bytes or None, and the value a `c_int64`.
    """

    def __init__(self, path: str) -> None:
        """Load the file. Raise OSError or AttributeError if it is not the library, or has another ABI."""
        keeping_the_gil = ctypes.PyDLL(path)
        releasing_the_gil = ctypes.CDLL(path)
        for name, (result, *parameters) in SIGNATURES.items():
            function = getattr(releasing_the_gil if name in WAITING else keeping_the_gil, name)
            function.restype = result
            function.argtypes = parameters
            setattr(self, name, function)
            if name == "pact_telemetry_abi_version" and function() != ABI_VERSION:
                raise OSError(f"{path}: its ABI is {function()}, but this package was written for {ABI_VERSION}")
        self.track_prepared = keeping_the_gil["pact_telemetry_track"]
