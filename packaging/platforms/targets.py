"""The platforms, and the tools that build them. Builds nothing itself."""

import fcntl
import functools
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "packaging"))

import shared

OUT = ROOT / "build/platforms"

# Fixed versions: a person tries a new linker before it is used.
ZIG, ZIGBUILD, LIEF = "0.17.1", "0.24.1", "1.0.0"


@dataclass(frozen=True)
class Platform:
    """How one of the platforms of packaging/shared.py is built."""

    name: str
    glibc: str = ""  # the oldest
    rustflags: tuple = ()
    # What the final link gets.
    link_args: tuple = ()
    # The linker's name for the format of objects, where it can join them into one (`ld -r`).
    emulation: str = None

    @property
    def target(self):
        return shared.PLATFORMS[self.name].target

    @property
    def library(self):
        return shared.PLATFORMS[self.name].file

    @property
    def is_apple(self):
        return self.name.startswith("darwin")


# In the form that linkers for Windows read; a relative path, since the same flags make the same bytes.
EXPORTS = OUT / "cargo/pact_telemetry.def"

# By default Rust's musl targets link the C library statically, and then cannot make a shared library.
MUSL = ("-C", "target-feature=-crt-static")
# glibc has found symbols by this table since 2006, and musl since 2012. zig would add the older table too. With -Os it
# also compiles its unwinder for size, which is linked statically: 3 KB.
LINUX = ("-Wl,--hash-style=gnu", "-Os")
PLATFORMS = {
    platform.name: platform
    for platform in [
        Platform("linux-x64-gnu", glibc="2.17", link_args=LINUX, emulation="elf_x86_64"),
        Platform("linux-arm64-gnu", glibc="2.17", link_args=LINUX, emulation="aarch64linux"),
        Platform("linux-x64-musl", rustflags=MUSL, link_args=LINUX, emulation="elf_x86_64"),
        Platform("linux-arm64-musl", rustflags=MUSL, link_args=LINUX, emulation="aarch64linux"),
        # cargo-zigbuild drops rustc's list of exports, and then everything is exported.
        Platform("win32-x64", link_args=(EXPORTS.relative_to(ROOT),)),
        Platform("darwin-x64"),
        Platform("darwin-arm64"),
    ]
}


class MissingTool(Exception):
    """A tool that the build needs is not on this machine and cannot be installed."""


@dataclass(frozen=True)
class Tools:
    """Where the tools are."""

    python: Path
    zig: Path
    zigbuild: Path
    zig_cache: Path


def cache():
    """A folder for tools, shared by all checkouts of this user."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(home) / "pact_telemetry"


@functools.cache
def tools():
    """Installs the tools into the cache, unless they are there. The name of the folder holds every version."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = cache() / f"tools-python{version}-zig{ZIG}-zigbuild{ZIGBUILD}-lief{LIEF}"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            packages = [f"ziglang=={ZIG}", f"cargo-zigbuild=={ZIGBUILD}", f"lief=={LIEF}"]
            print(f"platforms: installing {', '.join(packages)} into {folder} …", flush=True)
            install([sys.executable, "-m", "venv", "--clear", folder / "venv"])
            install([folder / "venv/bin/pip", "install", "-q", "--disable-pip-version-check", *packages])
            (folder / "complete").touch()
    venv = folder / "venv"
    zig = venv / f"lib/python{version}/site-packages/ziglang/zig"
    # zig's compiled C libraries; it locks each entry itself.
    return Tools(venv / "bin/python", zig, venv / "bin/cargo-zigbuild", cache() / f"zig-{ZIG}")


def zigbuild_environment(platform):
    """The environment of cargo-zigbuild. It makes links and scripts where it runs first, and fails if another one makes
    the same at that time ("File exists"). So each platform has a folder of its own.
    """
    found = tools()
    return {
        "CARGO_ZIGBUILD_ZIG_PATH": str(found.zig),
        "CARGO_ZIGBUILD_CACHE_DIR": str(OUT / "cargo" / platform.name / "zigbuild"),
        "ZIG_GLOBAL_CACHE_DIR": str(found.zig_cache),
    }


def install(command):
    done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise MissingTool(f"the tools cannot be installed: {(done.stderr or done.stdout).strip()[-500:]}")
