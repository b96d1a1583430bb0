"""The native layer has the same functions, types and names as the header."""

from __future__ import annotations

import ctypes
import json
import re
from collections.abc import Callable
from typing import get_args, get_type_hints

from conftest import ROOT

from pact_telemetry import _native, constants
from pact_telemetry._library import load

HEADER = (ROOT / "include/pact_telemetry.ffi.h").read_text()
TYPES = {
    "void": None,
    "int32_t": ctypes.c_int32,
    "uint32_t": ctypes.c_uint32,
    "int64_t": ctypes.c_int64,
    "char *": ctypes.c_char_p,
    "PactTelemetry *": ctypes.c_void_p,
}


def declared() -> dict[str, tuple[object, ...]]:
    found = {}
    code = re.sub(r"//.*", "", HEADER)
    for result, name, parameters in re.findall(r"([\w ]+[ *]+)(pact_telemetry_\w+)\(([^)]*)\);", code):
        given = [] if parameters == "void" else parameters.split(",")
        found[name] = (ctype(result), *(ctype(re.sub(r"\w+$", "", parameter.strip())) for parameter in given))
    return found


def ctype(text: str) -> object:
    return TYPES[" ".join(text.replace("const ", "").split())]


def test_every_function_is_declared_as_in_the_header() -> None:
    assert len(declared()) == 14
    assert declared() == _native.SIGNATURES


def test_every_type_hint_has_the_number_of_parameters() -> None:
    names = {**vars(_native), "Callable": Callable, "Address": object, "Text": object, "Buffer": object}
    hints = get_type_hints(_native.Native, names)
    assert hints.pop("track_prepared")
    assert {name: len(get_args(hint)[0]) for name, hint in hints.items()} == {
        name: len(signature) - 1 for name, signature in _native.SIGNATURES.items()
    }


def test_every_status_code_is_as_in_the_header() -> None:
    codes = {name: int(code) for name, code in re.findall(r"PACT_TELEMETRY_(\w+) = (-?\d+)", HEADER)}
    assert codes == {status.name: int(status) for status in _native.Status}


def test_every_status_has_the_name_that_the_library_gives_it() -> None:
    for status in _native.Status:
        assert load().pact_telemetry_status_name(status).decode() == f"PACT_TELEMETRY_{status.name}"


def test_every_constant_is_as_published() -> None:
    published = json.loads((ROOT / "include/pact_telemetry.constants.json").read_text())
    assert published == {
        name: value for name, value in vars(constants).items() if name.isupper() and name != "TYPE_CHECKING"
    }


def test_only_functions_with_a_timeout_release_the_gil() -> None:
    keeps = 4  # FUNCFLAG_PYTHONAPI of ctypes
    for name in _native.SIGNATURES:
        function = getattr(load(), name)
        waits = re.search(rf"{name}\([^)]*timeout_ms", HEADER) is not None
        assert bool(function._flags_ & keeps) is not waits, name
