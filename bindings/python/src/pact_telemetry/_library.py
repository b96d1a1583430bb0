"""Finds the shared library and loads it once."""

from __future__ import annotations

import os
import platform
import sys
from functools import cache
from pathlib import Path

from ._native import Native

VARIABLE = "PACT_TELEMETRY_LIBRARY"
"""A path that goes before all else, and is not fallen back from."""

_NAMES = {
    # sys.platform: (folder, bundled file, the system's name)
    "linux": ("linux", "libpact_telemetry.so", "libpact_telemetry.so.1"),
    "darwin": ("macos", "libpact_telemetry.dylib", "libpact_telemetry.1.dylib"),
    "win32": ("windows", "pact_telemetry.dll", "pact_telemetry.dll"),
}
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


class UnavailableError(Exception):
    """The library cannot be used; its text says why."""


def load() -> Native:
    """Return the library; UnavailableError if there is none."""
    path, source = _choose(os.environ.get(VARIABLE))
    try:
        return _load(path)
    except Exception as error:
        raise UnavailableError(f"{source} cannot be used: {error}") from error


# A path that failed is tried anew for the next client: that costs microseconds.
@cache
def _load(path: str) -> Native:
    return Native(path)


def _choose(given: str | None) -> tuple[str, str]:
    if given:
        return given, f"the library named by {VARIABLE}"
    folder, file, system = _NAMES.get(sys.platform, _NAMES["linux"])
    bundled = Path(__file__).parent / "native" / f"{folder}-{_machine()}" / file
    if bundled.exists():
        return str(bundled), "the bundled library"
    return system, f"no {VARIABLE} is set, nothing is bundled ({bundled}), and the system's library"


@cache
def _machine() -> str:
    machine = platform.machine().lower()
    return _MACHINES.get(machine, machine)
