"""What packaging/pack and packaging/try share: the platforms, where things are, how to run a program, what arrived."""

import functools
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "build/dist"
PACKAGES = DIST / "packages"
LICENCES = ROOT / "docs/licences.txt"  # of what is linked into the library
PRIVACY = ROOT / "docs/privacy.md"
VERSION = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.M).group(1)
GO_MODULE = "github.com/pact-foundation/pact-telemetry/bindings/go"
MAVEN = "au/com/dius/pact/telemetry"
LANGUAGES = ["js", "ruby", "go", "jvm", "python", "php", "dotnet", "cpp"]
SECONDS = 900  # for one command
BILL = ROOT / "docs/pact_telemetry.cdx.json"  # the bill of materials of the library
COMMAND = os.environ.get("PACT_TELEMETRY_COMMAND") or str(ROOT / "target/debug/pact-telemetry")
EVENT, VALUE = "Pacts verified", "7"

# The same sources make the same packages: no package contains the time at which it was made.
EPOCH = "1767225600"  # 2026-01-01, as in bindings/jvm/pom.xml


class Platform(NamedTuple):
    """One of the platforms that there are packages for, with the names that each ecosystem has for it."""

    name: str  # ours: folders, packages, files
    target: str  # Rust's
    file: str  # of the library
    npm: dict  # the fields `os`, `cpu` and `libc` of package.json
    gem: str
    wheel: str  # the platform tag of a wheel
    jna: str  # folder in a jar; JNA itself has no name for musl
    go: tuple  # GOOS and GOARCH; Go has no name for musl


def _npm(system, cpu, libc=None):
    return {"os": [system], "cpu": [cpu], **({"libc": [libc]} if libc else {})}


_LINUX, _DARWIN, _WINDOWS = "libpact_telemetry.so", "libpact_telemetry.dylib", "pact_telemetry.dll"
PLATFORMS = {
    row[0]: Platform(*row)
    for row in [
        (
            "linux-x64-gnu", "x86_64-unknown-linux-gnu", _LINUX, _npm("linux", "x64", "glibc"),
            "x86_64-linux-gnu", "manylinux_2_17_x86_64.manylinux2014_x86_64", "linux-x86-64", ("linux", "amd64"),
        ),
        (
            "linux-arm64-gnu", "aarch64-unknown-linux-gnu", _LINUX, _npm("linux", "arm64", "glibc"),
            "aarch64-linux-gnu", "manylinux_2_17_aarch64.manylinux2014_aarch64", "linux-aarch64", ("linux", "arm64"),
        ),
        (
            "linux-x64-musl", "x86_64-unknown-linux-musl", _LINUX, _npm("linux", "x64", "musl"),
            "x86_64-linux-musl", "musllinux_1_2_x86_64", "linux-x86-64-musl", ("linux", "amd64"),
        ),
        (
            "linux-arm64-musl", "aarch64-unknown-linux-musl", _LINUX, _npm("linux", "arm64", "musl"),
            "aarch64-linux-musl", "musllinux_1_2_aarch64", "linux-aarch64-musl", ("linux", "arm64"),
        ),
        (
            "darwin-x64", "x86_64-apple-darwin", _DARWIN, _npm("darwin", "x64"),
            "x86_64-darwin", "macosx_11_0_x86_64", "darwin-x86-64", ("darwin", "amd64"),
        ),
        (
            "darwin-arm64", "aarch64-apple-darwin", _DARWIN, _npm("darwin", "arm64"),
            "arm64-darwin", "macosx_11_0_arm64", "darwin-aarch64", ("darwin", "arm64"),
        ),
        (
            "win32-x64", "x86_64-pc-windows-gnu", _WINDOWS, _npm("win32", "x64"),
            "x64-mingw-ucrt", "win_amd64", "win32-x86-64", ("windows", "amd64"),
        ),
    ]
}  # fmt: skip


class Failed(Exception):
    """It was tried, and failed."""


class NotThere(Exception):
    """Something that is needed is not on this machine."""


def run(*command, cwd, environment=None, **more):
    """Runs it and returns what it printed; `more` is added to the environment, by default this process's."""
    command = [str(part) for part in command]
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**(os.environ if environment is None else environment), "SOURCE_DATE_EPOCH": EPOCH, **more},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=SECONDS,
    )
    text = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        raise Failed(f"{' '.join(command[:3])} … ended with {done.returncode}:\n{text[-2000:]}")
    return text


def need(*commands):
    """NotThere if one of them is missing."""
    for command in commands:
        if shutil.which(command) is None:
            raise NotThere(f"there is no {command}")


def jdks():
    """The JDKs of this machine: {version: folder}."""
    on_path = shutil.which("javac")
    homes = [os.environ.get("JAVA_HOME", ""), str(Path(on_path).resolve().parent.parent) if on_path else ""]
    homes += sorted(map(str, Path("/usr/lib/jvm").glob("*")))
    found = {}
    for home in filter(None, homes):
        release = Path(home) / "release"
        if (Path(home) / "bin/javac").exists() and release.exists():
            version = re.search(r'^JAVA_VERSION="(\d+)', release.read_text(), re.M)
            if version:
                found.setdefault(int(version.group(1)), home)
    return found


def maven(home, *arguments, cwd):
    """Maven with a local repository of its own: what is packed here must not get into that of the person."""
    options = ["-B", "-ntp", "-q", f"-Dmaven.repo.local={ROOT}/build/tools/m2"]
    return run("mvn", *options, *arguments, cwd=cwd, JAVA_HOME=home)


def this_platform():
    """The name of this machine's platform, or None if there are no packages for it."""
    system = {"linux": "linux", "darwin": "darwin", "win32": "win32"}.get(sys.platform)
    cpu = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine().lower())
    libc = ("-gnu" if platform.libc_ver()[0] == "glibc" else "-musl") if system == "linux" else ""
    name = f"{system}-{cpu}{libc}"
    return name if name in PLATFORMS else None


@functools.cache
def natives():
    """{platform: path} of the libraries that were built: `make platforms`, else that of `make lib` for this machine."""
    found = {}
    for name, one in PLATFORMS.items():
        built, plain = ROOT / "build/platforms" / name / one.file, ROOT / "build/lib" / one.file
        if built.exists():
            found[name] = built
        elif name == this_platform() and plain.exists():
            print(f"{name}: the library of `make lib` is packed, which needs this machine's C library or a newer one")
            found[name] = plain
    return found


def placeholders(folder):
    """`natives()`, with a text file in the place of each library that was not built. For tests of metadata alone."""
    found = dict(natives())
    for name, one in PLATFORMS.items():
        if name not in found:
            found[name] = folder / name / one.file
            found[name].parent.mkdir(parents=True, exist_ok=True)
            found[name].write_text(f"In place of the library for {name}, which was not built.\n")
    return found


def documents(folder, native=True):
    """Writes what every package carries into the folder, and returns the names of the files.

    A package with a library (`native`) has the licences of what is linked into it, and its bill of materials.
    """
    folder.mkdir(parents=True, exist_ok=True)
    texts = {"LICENSE": (ROOT / "LICENSE").read_bytes(), "COLLECTED.md": collected().encode()}
    if native:
        texts["THIRD-PARTY-LICENSES.txt"] = LICENCES.read_bytes()
        texts[BILL.name] = BILL.read_bytes()
    for name, text in texts.items():
        (folder / name).write_bytes(text)
    return sorted(texts)


def collected():
    """What is collected, from docs/privacy.md, without a link that leaves the package."""
    text = PRIVACY.read_text(encoding="utf-8")
    chapters = re.split(r"^(?=##? )", text, flags=re.M)
    wanted = ("# What is collected", "## What is never collected", "## The identifier", "## How to say no")
    chosen = [next(one for one in chapters if one.startswith(f"{title}\n")) for title in wanted]
    return re.sub(r"\[([^\]]*)\]\((?!#)[^)]*\)", r"\1", "".join(chosen)).rstrip() + "\n"


def copy_sources(language, work=None, without=()):
    """The binding's sources in a folder, by default in build/dist/work, without what git ignores."""
    source, work = ROOT / "bindings" / language, work or DIST / "work" / language
    shutil.rmtree(work, ignore_errors=True)
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", ".", cwd=source)
    for name in filter(None, listed.split("\0")):
        # It does not exist if it was deleted, and the deletion is not committed.
        if name not in without and (source / name).exists():
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, work / name)
    return work


def place(made, package):
    """Moves what a tool made to where packages are kept, under the name that it must have."""
    if made.name != package.name:
        raise Failed(f"made {made.name}, not {package.name}: is its version not that of Cargo.toml?")
    package.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(str(made), str(package))
    return package


class Collector:
    """The command's collector, and what arrived there."""

    def __enter__(self):
        self.process = subprocess.Popen([COMMAND, "collect"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self.url = json.loads(self.process.stdout.readline())["url"]
        self.events, self.changed = [], threading.Condition()
        threading.Thread(target=self.read, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def read(self):
        for line in self.process.stdout:
            record = json.loads(line)
            if record["type"] == "event":
                with self.changed:
                    self.events.append(record)
                    self.changed.notify_all()

    def take(self):
        """The first event, or None, and forgets what arrived."""
        with self.changed:
            self.changed.wait_for(lambda: self.events, 30)
            arrived, self.events = self.events, []
        if len(arrived) > 1:
            raise Failed(f"{len(arrived)} events arrived instead of one")
        return arrived[0] if arrived else None


def package(pattern):
    """The package that packaging/pack made."""
    found = sorted(PACKAGES.glob(pattern))
    if not found:
        raise NotThere("there is no package of it")
    return found[0]


def clean():
    """This process's environment without the person's choices and settings, and without another path to a library."""
    others = "LD_LIBRARY_PATH LD_PRELOAD PYTHONPATH NODE_PATH NODE_OPTIONS RUBYLIB RUBYOPT CLASSPATH".split()
    return {
        name: value
        for name, value in os.environ.items()
        if not name.lower().endswith("do_not_track") and not name.startswith("PACT_TELEMETRY_") and name not in others
    }


def send(collector, project, language, *command, mapped=None, **more):
    """Runs the program; its event must arrive, and the library must have come from the package.

    The library must be a file inside the project, or have the name `mapped`, such as that of a file in memory. False is
    for an emulator that does not show what is mapped.
    """
    environment = {name: value for name, value in clean().items() if not name.lower().endswith("_proxy")}
    environment.update(
        PACT_TELEMETRY_ENDPOINT=collector.url,
        PACT_TELEMETRY_MEASUREMENT_ID="G-1",
        PACT_TELEMETRY_API_SECRET="s",
        CI="true",  # there events are sent at once
        PACT_TELEMETRY_STATE_DIR=str(project / "state"),
        XDG_CONFIG_HOME=str(project / "config"),
    )
    environment.update(more)
    printed = run(*command, cwd=project, environment=environment)
    said = next((line for line in printed.splitlines() if line.strip()), "nothing")
    event = collector.take()
    if event is None:
        raise Failed(f"no event arrived; the program said: {said}")
    fields = event["fields"]
    if (fields["library_name"], fields["event"], fields["value"]) != (f"tried-{language}", EVENT, VALUE):
        raise Failed(f"another event arrived: {fields}")
    if event["problems"]:
        raise Failed(f"the collector found fault with it: {event['problems']}")
    libraries = set(re.findall(r"(/\S*pact_telemetry\.so\S*)", printed))
    known = all(path == mapped or path.startswith(f"{project}/") for path in libraries)
    if mapped is not False and not (known and len(libraries) == 1):
        raise Failed(f"not the package's library is mapped, but {libraries or 'none'}")
    return fields.get("platform_version", "?")
