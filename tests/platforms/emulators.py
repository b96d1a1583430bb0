"""How a program of each platform is compiled and run on this machine. Runs no test."""

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "packaging/platforms"))

from targets import OUT, PLATFORMS, tools  # noqa: E402

WORK = ROOT / "build/platforms/tests"
WINE = "/usr/lib/wine/wine64"

# zig's names; the loader that a program of that platform needs here; what runs it.
TARGETS = {
    "linux-x64-gnu": ("x86_64-linux-gnu.2.17", "/lib64/ld-linux-x86-64.so.2", []),
    "linux-arm64-gnu": ("aarch64-linux-gnu.2.17", "/lib/ld-linux-aarch64.so.1", ["qemu-aarch64-static"]),
    "linux-x64-musl": ("x86_64-linux-musl", "/lib/ld-musl-x86_64.so.1", []),
    "linux-arm64-musl": ("aarch64-linux-musl", "/lib/ld-musl-aarch64.so.1", ["qemu-aarch64-static"]),
    "win32-x64": ("x86_64-windows-gnu", WINE, [WINE]),
}
RUN_HERE = list(TARGETS)


def missing(name):
    """Why programs of this platform cannot be run here, or None."""
    if name not in TARGETS:
        return "macOS cannot be run on another system"
    _, loader, emulator = TARGETS[name]
    if not Path(loader).exists():
        return f"there is no {loader} (tests/platforms/setup installs it)"
    if emulator and shutil.which(emulator[0]) is None:
        return f"there is no {emulator[0]} (tests/platforms/setup installs it)"
    if not (OUT / name / PLATFORMS[name].library).exists():
        return f"the library was not built (make platform PLATFORM={name})"
    return None


def emulator(name):
    """The words before a program's own."""
    return TARGETS[name][2]


@functools.lru_cache(maxsize=None)
def folder(name):
    """A folder for this platform's programs, with the library in it."""
    place = WORK / name
    place.mkdir(parents=True, exist_ok=True)
    library = OUT / name / PLATFORMS[name].library
    shutil.copy(library, place)
    if name.startswith("linux"):
        shutil.copy(library, place / "libpact_telemetry.so.1")  # the name that it gives itself
    elif name.startswith("win32"):
        stub = place / "bcryptprimitives.dll"
        if not list(Path("/usr/lib").glob("**/wine/x86_64-windows/bcryptprimitives.dll")):
            zig_cc(name, ["-shared", "-o", stub, ROOT / "tests/platforms/bcryptprimitives.c", "-ladvapi32"])
    return place


def zig_cc(name, arguments):
    command = [tools().zig, "cc", "-target", TARGETS[name][0], "-O1", "-fno-sanitize=undefined", *arguments]
    environment = {**os.environ, "ZIG_GLOBAL_CACHE_DIR": str(tools().zig_cache)}
    done = subprocess.run([str(one) for one in command], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}\n{done.stderr[-3000:]}")


def compile_program(name, source):
    """Compiles a C program for a platform, linked with the library unless that is Windows, and returns its path."""
    place = folder(name)
    program = place / (source.stem + (".exe" if name.startswith("win32") else ""))
    linked = [f"-L{place}", "-lpact_telemetry", "-Wl,-rpath,$ORIGIN"]
    if name.startswith("win32"):
        linked = [OUT / name / "libpact_telemetry.dll.a"]
    if source.name in ("windows.c", "reloads.c"):
        linked = ["-dynamic"] if name.endswith("musl") else []
    flags = ["-std=gnu99", "-Wall", "-D_GNU_SOURCE", f"-I{ROOT / 'include'}", f"-I{ROOT / 'tests/c'}", "-pthread"]
    zig_cc(name, [*flags, "-o", program, source, *linked])
    return program


@functools.lru_cache(maxsize=None)
def wine_prefix():
    """A fresh Windows, made once."""
    prefix = WORK / "wine"
    environment = {**os.environ, **wine_environment(prefix)}
    if not (prefix / "system.reg").exists():
        subprocess.run([WINE, "wineboot", "-i"], env=environment, capture_output=True, timeout=300, check=False)
    return prefix


def wine_environment(prefix):
    return {"WINEPREFIX": str(prefix), "WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mscoree,mshtml=", "DISPLAY": ""}


def windows_path(path):
    """As wine shows the root of this machine."""
    return "Z:" + str(path).replace("/", "\\")
