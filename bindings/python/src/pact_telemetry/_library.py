"""Finds the shared library and loads it once."""

from __future__ import annotations

import os
import sys
from functools import cache

from ._errors import is_own
from ._native import Native

VARIABLE = "PACT_TELEMETRY_LIBRARY"
"""Names a file that is used instead of any other. If it cannot be loaded, nothing else is tried."""

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "native")
"""The folder of the library in a wheel for one platform. The file is in a subfolder with the platform's name."""

_FILES = {
    # sys.platform: (the file in the package, the name that the system's loader searches for)
    "linux": ("libpact_telemetry.so", "libpact_telemetry.so.1"),
    "darwin": ("libpact_telemetry.dylib", "libpact_telemetry.1.dylib"),
    "win32": ("pact_telemetry.dll", "pact_telemetry.dll"),
}
_PROCESSORS = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}


class UnavailableError(Exception):
    """The library cannot be used; its text says why."""


def load() -> Native:
    """Return the library. Raise UnavailableError if it cannot be used."""
    path, source = _choose(os.environ.get(VARIABLE))
    try:
        return _load(path)
    except Exception as error:
        if not is_own(error):
            raise
        raise UnavailableError(f"{source} cannot be used: {error}") from error


# A path that failed is not cached: the next client tries it again, which costs microseconds.
@cache
def _load(path: str) -> Native:
    content = _archived(path)
    if content is None:
        return Native(path)
    # A library can only be loaded from a file. This one exists in memory and leaves nothing behind.
    file = os.memfd_create(os.path.basename(path), os.MFD_CLOEXEC)
    with open(file, "wb") as memory:
        memory.write(content)
        memory.flush()
        return Native(f"/proc/self/fd/{file}")


def _archived(path: str) -> bytes | None:
    """Return the content of a file of this package that is imported from an archive, such as that of zipapp."""
    if os.path.isdir(os.path.dirname(FOLDER)) or not path.startswith(FOLDER) or not hasattr(os, "memfd_create"):
        return None
    try:
        content: bytes = globals()["__loader__"].get_data(path)
    except (AttributeError, KeyError, OSError):
        return None
    return content


def _choose(given: str | None) -> tuple[str, str]:
    if given:
        return given, f"the library named by {VARIABLE}"
    file, system = _FILES.get(sys.platform, _FILES["linux"])
    bundled = os.path.join(FOLDER, platform_name(), file)
    if os.path.exists(bundled) or _archived(bundled) is not None:
        return bundled, "the library of this package"
    return system, f"{_what_is_missing()}, {VARIABLE} is not set, and the system's library"


def _what_is_missing() -> str:
    try:
        there = sorted(os.listdir(FOLDER))
    except NotADirectoryError:
        return f"this package lies in an archive, from which no library for {platform_name()} can be loaded"
    except OSError:
        there = []
    brings = f"it is the one for {', '.join(there)}" if there else "it is the one that brings none"
    return f"this package has no library for {platform_name()} ({brings})"


def platform_name() -> str:
    """Return the name of this process's platform, such as `linux-x64-musl`. Not every name is one of a package.

    Starts no process and reads no file, unlike `platform.machine` and `platform.libc_ver`.
    """
    # A 32-bit process may run on a 64-bit kernel, and the kernel's answer would be wrong for it.
    bits = "" if sys.maxsize > 2**32 else "-32bit"
    libc = f"-{_libc()}" if sys.platform == "linux" else ""
    return f"{sys.platform}-{_processor()}{bits}{libc}"


def _processor() -> str:
    if sys.platform == "win32":
        # The processor that the interpreter was built for, which an emulator may run. platform.machine() would query a
        # service of the system.
        version = sys.version.lower()
        machine = next((name for name in ("amd64", "arm64") if name in version), "x86")
    else:
        machine = os.uname().machine.lower()
    return _PROCESSORS.get(machine, machine)


def _libc() -> str:
    """Return `gnu` or `musl`, the C library that this process uses. musl does not know this name of confstr."""
    try:
        answer = os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, OSError, ValueError):
        answer = None
    return "gnu" if answer and answer.startswith("glibc") else "musl"
