"""How a program of each platform is compiled and run on this machine. Runs no test."""

import atexit
import functools
import getpass
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "packaging/platforms"))

from targets import OUT, PLATFORMS, tools, zigbuild_environment

WORK = ROOT / "build/platforms/tests"
WINE, WINESERVER = "/usr/lib/wine/wine64", "/usr/lib/wine/wineserver64"

# For each platform: zig's name of it, the loader that its programs need here, and the command that runs them.
TARGETS = {
    "linux-x64-gnu": ("x86_64-linux-gnu.2.17", "/lib64/ld-linux-x86-64.so.2", []),
    "linux-arm64-gnu": ("aarch64-linux-gnu.2.17", "/lib/ld-linux-aarch64.so.1", ["qemu-aarch64-static"]),
    "linux-x64-musl": ("x86_64-linux-musl", "/lib/ld-musl-x86_64.so.1", []),
    "linux-arm64-musl": ("aarch64-linux-musl", "/lib/ld-musl-aarch64.so.1", ["qemu-aarch64-static"]),
    "win32-x64": ("x86_64-windows-gnu", WINE, [WINE]),
}
# This machine's own platform, with a build that behaves as on macOS, as far as Linux can.
LIKE_MACOS = "like-macos"
EVERY = [*PLATFORMS, LIKE_MACOS]


def cargo_like_macos(*arguments):
    """Compiles only this crate again, with dependencies that are compiled already; returns cargo's messages about
    it."""
    command = ["cargo", "rustc", "--quiet", "--locked", "--lib", "--message-format=json", *arguments]
    environment = {name: value for name, value in os.environ.items() if name not in ("CARGO_TARGET_DIR", "RUSTFLAGS")}
    done = subprocess.run(
        [*command, "--", "--cfg", "pact_like_macos"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)} failed")
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    artifacts = [one for one in messages if one["reason"] == "compiler-artifact"]
    return [one for one in artifacts if one["target"]["name"] == "pact_telemetry"]


@functools.cache
def library(name):
    """The shared library."""
    if name == LIKE_MACOS:
        made = cargo_like_macos("--crate-type", "cdylib")
        return next(Path(file) for one in made for file in one["filenames"] if file.endswith(".so"))
    return OUT / name / PLATFORMS[name].library


def missing(name):
    """Why programs of this platform cannot be run here, or None."""
    if name == LIKE_MACOS:
        return None if sys.platform == "linux" and shutil.which("cargo") else "there is no cargo, or no Linux"
    if name not in TARGETS:
        return "macOS cannot be run on another system"
    _, loader, emulator = TARGETS[name]
    if not Path(loader).exists():
        return f"there is no {loader} (tests/platforms/setup installs it)"
    if emulator and shutil.which(emulator[0]) is None:
        return f"there is no {emulator[0]} (tests/platforms/setup installs it)"
    if not library(name).exists():
        return f"the library was not built (make platform PLATFORM={name})"
    return None


def emulator(name):
    """The words before a program's own."""
    return TARGETS[name][2] if name in TARGETS else []


@functools.cache
def folder(name):
    """A folder for this platform's programs, with the library in it."""
    place = WORK / name
    place.mkdir(parents=True, exist_ok=True)
    shutil.copy(library(name), place)
    if not name.startswith("win32"):
        shutil.copy(library(name), place / "libpact_telemetry.so.1")  # the name that it gives itself
    else:
        stub = place / "bcryptprimitives.dll"
        if not list(Path("/usr/lib").glob("**/wine/x86_64-windows/bcryptprimitives.dll")):
            compiler(name, ["-shared", "-o", stub, ROOT / "tests/platforms/bcryptprimitives.c", "-ladvapi32"])
    return place


def compiler(name, arguments):
    if name == LIKE_MACOS:
        command, environment = ["cc", "-O1", *arguments], os.environ
    else:
        command = [tools().zig, "cc", "-target", TARGETS[name][0], "-O1", "-fno-sanitize=undefined", *arguments]
        environment = {**os.environ, "ZIG_GLOBAL_CACHE_DIR": str(tools().zig_cache)}
    done = subprocess.run([str(one) for one in command], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}\n{done.stderr[-3000:]}")


def cargo_environment(name):
    """The environment of cargo for debug builds of a platform, whose programs it runs by the emulator."""
    platform = PLATFORMS[name]
    unset = ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET", "RUSTFLAGS"]
    environment = {variable: value for variable, value in os.environ.items() if variable not in unset}
    environment.update(
        **zigbuild_environment(platform),
        CARGO_ENCODED_RUSTFLAGS="\x1f".join(platform.rustflags),
        CARGO_PROFILE_DEV_DEBUG="line-tables-only",  # the rest would take half of the time
    )
    if emulator(name):
        key = platform.target.upper().replace("-", "_")
        environment[f"CARGO_TARGET_{key}_RUNNER"] = " ".join(emulator(name))
    if name == "win32-x64":
        environment.update(wine_environment(wine_prefix()), WINEPATH=windows_path(folder(name)))
    return environment


def cargo(name, subcommand, *arguments):
    """The words of a debug build of a platform."""
    target = f"{PLATFORMS[name].target}.{PLATFORMS[name].glibc}".rstrip(".")
    command = [tools().zigbuild, subcommand, "--quiet", "--locked", "--target", target]
    return [str(word) for word in [*command, "--target-dir", OUT / "cargo/units", *arguments]]


@functools.cache
def companion(name):
    """The companion command of a platform, built anew where something changed."""
    words = cargo(name, "build", "-p", "pact-telemetry-cli")
    done = subprocess.run(words, cwd=ROOT, env=cargo_environment(name), capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(words)}\n{done.stderr[-3000:]}")
    made = OUT / "cargo/units" / PLATFORMS[name].target / "debug"
    return made / ("pact-telemetry.exe" if name == "win32-x64" else "pact-telemetry")


def compile_program(name, source):
    """Compiles a C program for a platform, linked with the library unless that is Windows, and returns its path."""
    place = folder(name)
    program = place / (source.stem + (".exe" if name.startswith("win32") else ""))
    linked = [f"-L{place}", "-lpact_telemetry", "-Wl,-rpath,$ORIGIN", "-rdynamic", "-ldl"]
    if name.startswith("win32"):
        linked = [OUT / name / "libpact_telemetry.dll.a"]
    if source.name in ("windows.c", "reloads.c"):
        linked = ["-dynamic"] if name.endswith("musl") else ["-ldl"] if not name.startswith("win32") else []
        linked += ["-lcrypt32"] if name.startswith("win32") else []
    flags = ["-std=gnu99", "-Wall", "-D_GNU_SOURCE", f"-I{ROOT / 'include'}", f"-I{ROOT / 'tests/c'}", "-pthread"]
    compiler(name, [*flags, "-o", program, source, *linked])
    return program


@functools.cache
def wine_prefix():
    """A fresh Windows. Its server runs until this process ends; otherwise each program would boot Windows again.

    It is not in the project's folder, because it contains a link to the root of this machine, and cargo follows links.
    """
    prefix = Path(tempfile.mkdtemp(prefix="pact-wine-"))
    start_wine(prefix)
    atexit.register(end_wine, prefix)
    return prefix


def start_wine(prefix):
    run_quietly([WINESERVER, "-p"], prefix)
    run_quietly([WINE, "wineboot", "-i"], prefix)


def end_wine(prefix):
    run_quietly([WINESERVER, "-k"], prefix)
    shutil.rmtree(prefix, ignore_errors=True)


def run_quietly(command, prefix):
    """Runs a command to its end. Processes that it leaves running hold no file of this process open."""
    environment = {**os.environ, **wine_environment(prefix)}
    null = subprocess.DEVNULL
    subprocess.run(command, env=environment, stdin=null, stdout=null, stderr=null, timeout=300, check=False)


def wine_person(prefix):
    """The folder of the person there."""
    return prefix / "drive_c/users" / getpass.getuser()


def wine_environment(prefix):
    # Without the programs that Windows starts for a person at a screen.
    unused = "mscoree,mshtml=;winemenubuilder.exe,explorer.exe,plugplay.exe,winedevice.exe=d"
    # Without the locale, wine takes the names of files for ASCII.
    names = {"WINEPREFIX": str(prefix), "WINEDLLOVERRIDES": unused, "LC_ALL": "C.UTF-8"}
    # glibc loads this library when a thread first ends. If the end of the process stops a thread while it loads it,
    # that thread keeps glibc's lock, the process waits for the lock, and wine kills it. Preloaded, it needs no loading.
    return {**names, "WINEDEBUG": "-all", "DISPLAY": "", "LD_PRELOAD": "libgcc_s.so.1"}


def windows_path(path):
    """As wine shows the root of this machine."""
    return "Z:" + str(path).replace("/", "\\")
