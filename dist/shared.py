"""What dist/pack and dist/try have in common: where things are, and how another program is run."""

import os
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "build/dist"
PACKAGES = DIST / "packages"
PLATFORM = "linux-x86_64"
FILE = "libpact_telemetry.so"
VERSION = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.M).group(1)
GO_MODULE = "github.com/pact-foundation/pact-telemetry/bindings/go"
MAVEN = "au/com/dius/pact/telemetry"
SECONDS = 900  # for one command

# The same sources make the same packages: no package tells when it was made.
EPOCH = "1767225600"  # 2026-01-01, as in bindings/jvm/pom.xml


class Failed(Exception):
    """It was tried, and went wrong."""


class NotThere(Exception):
    """What it takes is not on this machine."""


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
    """Maven with a local repository of its own: what is packed here must not lie in the person's."""
    options = ["-B", "-ntp", "-q", f"-Dmaven.repo.local={ROOT}/build/tools/m2"]
    return run("mvn", *options, *arguments, cwd=cwd, JAVA_HOME=home)
