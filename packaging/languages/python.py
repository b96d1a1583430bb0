"""The wheel: how it is made, and how it is tried in an empty project."""

import re
import sys

from shared import PACKAGES, ROOT, VERSION, Failed, NotThere, clean, copy, library, need, package, place, run, send

PYTHON = """
from pathlib import Path
from pact_telemetry import Client
with Client(library={"id": "tried-python", "name": "Tried", "version": "1"}) as telemetry:
    print(telemetry.pacts_verified(7), telemetry.unavailable_reason, telemetry.flush(10))
    print(Path("/proc/self/maps").read_text())
"""

# What a package of another version, or of an earlier run, is called.
OUTPUTS = ["*.whl"]


def venv():
    """A Python with pip, in a folder of the project."""
    folder = ROOT / "build/tools/venv"
    if not (folder / "bin/pip").exists():
        if sys.version_info < (3, 10):
            raise NotThere("there is no Python 3.10 or later")
        try:
            run(sys.executable, "-m", "venv", folder, cwd=ROOT)
        except Failed as why:
            raise NotThere("there is no Python with venv (Debian: python3-venv)") from why
    return folder / "bin/python"


def wheel_platform():
    """The tag of the oldest glibc on which the library runs."""
    need("objdump")
    needed = re.findall(r"GLIBC_2\.(\d+)", run("objdump", "-T", library(), cwd=ROOT))
    newest = max([17, *map(int, needed)])
    return "manylinux2014_x86_64" if newest == 17 else f"manylinux_2_{newest}_x86_64"


def pack():
    executable = venv()
    work = copy("python", "src/pact_telemetry/native")
    options = ("-q", "--disable-pip-version-check", "--no-deps", "--wheel-dir", "wheels")
    platform = wheel_platform()
    run(executable, "-m", "pip", "wheel", *options, ".", cwd=work, PACT_TELEMETRY_WHEEL_PLATFORM=platform)
    (made,) = (work / "wheels").glob("*.whl")
    version = re.sub(r"-(a|b|rc)[a-z]*\.", r"\1", VERSION)
    return place(made, PACKAGES / f"pact_telemetry-{version}-py3-none-{platform}.whl")


def try_in(collector, project):
    packed = package("*.whl")
    if sys.version_info < (3, 10):
        raise NotThere("there is no Python 3.10 or later")
    try:
        run(sys.executable, "-m", "venv", "venv", cwd=project, environment=clean())
    except Failed as why:
        raise NotThere("there is no Python with venv (Debian: python3-venv)") from why
    pip = ("venv/bin/python", "-m", "pip", "-q", "--disable-pip-version-check", "install", "--no-index")
    run(*pip, packed, cwd=project, environment=clean())
    (project / "tried.py").write_text(PYTHON)
    return packed, send(collector, project, "python", "venv/bin/python", "tried.py")
