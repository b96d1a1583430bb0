"""The wheels, one for each platform and one for any, and the sdist: how they are made, and how they are tried."""

import functools
import json
import re
import shutil
import sys

from shared import (
    BILL,
    LICENCES,
    PACKAGES,
    PLATFORMS,
    ROOT,
    VERSION,
    Failed,
    NotThere,
    clean,
    copy_sources,
    documents,
    natives,
    placeholders,
    run,
    send,
)

PYTHON_VERSION = re.sub(r"-(a|b|rc)[a-z]*\.", r"\1", VERSION)
PACKAGE = f"pact-telemetry=={PYTHON_VERSION}"
MAPPED = "/memfd:libpact_telemetry.so"  # of a package in an archive
TRIED = """
from pathlib import Path
from pact_telemetry import Client
with Client(library={"id": "tried-python", "name": "Tried", "version": "1"}) as telemetry:
    print(telemetry.pacts_verified(7), telemetry.unavailable_reason, telemetry.flush(10))
    print(Path("/proc/self/maps").read_text())
"""
ANSWERS = """
import json
from pact_telemetry import Client
telemetry = Client(library={"id": "tried-python", "name": "Tried", "version": "1"})
print(json.dumps([telemetry.pacts_verified(7), telemetry.close(), telemetry.unavailable_reason]))
"""

# Builds the packages; checks their metadata as PyPI does; freezes a program that uses the package.
TOOLS = ["hatchling>=1.28", "twine>=6", "pyinstaller>=6"]

# What a package of another version, or of an earlier run, is called.
OUTPUTS = ["pact_telemetry-*.whl", "pact_telemetry-*.tar.gz"]


@functools.cache
def tools():
    """A Python with the tools."""
    folder = ROOT / "build/tools/python"
    done, wanted = folder / "installed", "\n".join(TOOLS)
    if not done.exists() or done.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        make_venv(folder)
        try:
            pip(folder, "install", *TOOLS)
        except Failed as why:
            raise NotThere(f"pip cannot install {', '.join(TOOLS)}") from why
        done.write_text(wanted)
    return folder / "bin/python"


def make_venv(folder, *options):
    if sys.version_info < (3, 10):
        raise NotThere("there is no Python 3.10 or later")
    try:
        run(sys.executable, "-m", "venv", *options, folder, cwd=ROOT, environment=clean())
    except Failed as why:
        raise NotThere("there is no Python with venv (Debian: python3-venv)") from why
    return folder


def pip(venv, *arguments, **more):
    """pip of a venv, without the settings of this machine or of a person."""
    options = ("-q", "--isolated", "--disable-pip-version-check")
    return run(venv / "bin/python", "-m", "pip", *options, *arguments, cwd=venv, environment=clean(), **more)


def wheel_platform(name, library):
    """The platform tag. The library of `make lib` may need a newer glibc than the table says."""
    tag = PLATFORMS[name].wheel
    if not name.endswith("-gnu"):
        return tag
    needed = max([17, *map(int, re.findall(rb"\0GLIBC_2\.(\d+)(?=[.\0])", library.read_bytes()))])
    return tag if needed == 17 else f"manylinux_2_{needed}_{tag.split('_', 3)[3].split('.')[0]}"


def expression():
    """The licences of a wheel with a library, as an SPDX expression: ours, and of what is linked into it."""
    listed = re.findall(r"^    \S+ \S+: (.+)$", LICENCES.read_text(), re.M)
    names = {name for one in listed for name in one.split(" and ")} - {"MIT"}
    return " AND ".join(["MIT", *sorted(names)])


def pack():
    return make(natives(), PACKAGES)


def make(libraries, folder):
    """{package: [the platforms whose library it carries]}, in the folder, with these libraries."""
    folder.mkdir(parents=True, exist_ok=True)
    work = copy_sources("python")
    inside = work / "src/pact_telemetry"
    documents(work, native=False)
    shutil.move(work / "COLLECTED.md", inside / "COLLECTED.md")
    packages = {hatchling(work, "sdist", folder): [], hatchling(work, "wheel", folder): []}
    documents(work)
    (work / "COLLECTED.md").unlink()
    settings = (work / "pyproject.toml").read_text()
    (work / "pyproject.toml").write_text(settings.replace('license = "MIT"', f'license = "{expression()}"'))
    for name, library in libraries.items():
        shutil.rmtree(inside / "native", ignore_errors=True)
        (inside / "native" / name).mkdir(parents=True)
        shutil.copyfile(library, inside / "native" / name / PLATFORMS[name].file)
        wheel = hatchling(work, "wheel", folder, PACT_TELEMETRY_WHEEL_PLATFORM=wheel_platform(name, library))
        packages[wheel] = [name]
    run(tools(), "-m", "twine", "check", "--strict", *packages, cwd=folder)
    return packages


def hatchling(work, kind, folder, **more):
    """Builds it and returns where it lies."""
    printed = run(tools(), "-m", "hatchling", "build", "-t", kind, "-d", folder, cwd=work, **more)
    made = folder / printed.split()[-1].split("/")[-1]
    if not made.name.startswith(f"pact_telemetry-{PYTHON_VERSION}"):
        raise Failed(f"made {made.name}: is its version not that of Cargo.toml?")
    return made


def try_in(collector, project):
    """As a person installs it: pip chooses the wheel for this machine."""
    if not any(PACKAGES.glob(OUTPUTS[0])):
        raise NotThere("there is no package of it")
    venv = make_venv(project / "venv")
    pip(venv, "install", "--no-index", "--find-links", PACKAGES, PACKAGE)
    (project / "tried.py").write_text(TRIED)
    sent_by = send(collector, project, "python", "venv/bin/python", "tried.py")
    (packages,) = venv.glob("lib/python*/site-packages")
    try_frozen(collector, project, packages)
    try_zipapp(collector, project, packages)
    (information,) = venv.glob("lib/python*/site-packages/pact_telemetry-*.dist-info")
    if not (information / "sboms" / BILL.name).exists():
        raise Failed("the installed package has no bill of materials in sboms/")
    platform = re.search(r"^Tag: py3-none-(.*)$", (information / "WHEEL").read_text(), re.M).group(1)
    return next(PACKAGES.glob(f"pact_telemetry-*{platform}*.whl")), sent_by


def try_frozen(collector, project, packages):
    """With PyInstaller, whose hook the package brings along."""
    command = (tools(), "-m", "PyInstaller", "--log-level=ERROR", "tried.py")
    try:
        run(*command, cwd=project, environment=clean(), PYTHONPATH=str(packages))
    except Failed as why:
        if not re.search("objdump|PythonLibraryNotFound", str(why)):  # what PyInstaller itself needs
            raise
        print(f"python: frozen by PyInstaller: NOT TRIED: {str(why).splitlines()[-1]}")
        return
    send(collector, project, "python", "dist/tried/tried")
    print("python: frozen by PyInstaller: its event arrived", flush=True)


def try_zipapp(collector, project, packages):
    """From an archive, without a folder of the package."""
    application = project / "application"
    shutil.copytree(packages / "pact_telemetry", application / "pact_telemetry")
    shutil.copyfile(project / "tried.py", application / "__main__.py")
    run(sys.executable, "-m", "zipapp", application, "-o", project / "tried.pyz", cwd=project)
    send(collector, project, "python", "venv/bin/python", "-I", "tried.pyz", mapped=MAPPED)
    print("python: in an archive of zipapp: its event arrived", flush=True)


# What pip is told to install for, and whose library it must then take; None: the wheel for any platform.
ELSEWHERE = {
    "manylinux2014_x86_64": "linux-x64-gnu",
    "manylinux_2_17_x86_64": "linux-x64-gnu",
    "manylinux2014_aarch64": "linux-arm64-gnu",
    "musllinux_1_2_x86_64": "linux-x64-musl",
    "musllinux_1_2_aarch64": "linux-arm64-musl",
    "macosx_11_0_arm64": "darwin-arm64",
    "macosx_15_0_arm64": "darwin-arm64",
    "macosx_11_0_x86_64": "darwin-x64",
    "win_amd64": "win32-x64",
    "win_arm64": None,
    "win32": None,
    "manylinux2014_i686": None,
    "linux_riscv64": None,
    "freebsd_14_1_release_amd64": None,
}


def try_elsewhere(project):
    """{the platform that pip is told: what it takes}; then the wheel for any platform, and the sdist."""
    libraries = with_old_glibc(project, placeholders(project / "libraries"))
    packages = make(libraries, project / "packages")
    venv, found = make_venv(project / "venv"), {}
    for platform, wanted in ELSEWHERE.items():
        taken = download(venv, project / "packages", project / "taken" / platform, platform)
        if packages[project / "packages" / taken.name] != ([wanted] if wanted else []):
            raise Failed(f"for {platform} pip took {taken.name}, not that of {wanted or 'any platform'}")
        found[platform] = taken.name
    (any_wheel,) = (path for path in packages if path.name.endswith("-any.whl"))
    found["any without a library"] = f"{any_wheel.name}, and the client says: {says_why(project, venv, any_wheel)}"
    (sdist,) = (path for path in packages if path.name.endswith(".tar.gz"))
    rebuilt = project / "rebuilt"
    build = ("wheel", "--no-index", "--no-build-isolation", "--no-deps", "--wheel-dir", rebuilt)
    run(tools(), "-m", "pip", "-q", "--isolated", "--disable-pip-version-check", *build, sdist, cwd=project)
    if [path.name for path in rebuilt.iterdir()] != [any_wheel.name]:
        raise Failed(f"from the sdist pip built {[path.name for path in rebuilt.iterdir()]}")
    found["the sdist"] = f"{any_wheel.name}, built from it"
    return found


def with_old_glibc(project, libraries):
    """The libraries, with a text in place of one that needs a newer glibc than its wheel promises."""
    kept = {}
    for name, library in libraries.items():
        if wheel_platform(name, library) != PLATFORMS[name].wheel:
            library = project / "libraries" / name / PLATFORMS[name].file
            library.parent.mkdir(parents=True, exist_ok=True)
            library.write_text(f"In place of a library for {name} that needs a newer glibc.\n")
        kept[name] = library
    return kept


def download(venv, index, folder, platform):
    """The file that pip downloads for a platform."""
    folder.mkdir(parents=True)
    chosen = ("--only-binary=:all:", "--platform", platform, "--python-version", "3.12", "--implementation", "cp")
    pip(venv, "download", "--no-index", "--find-links", index, "--no-deps", *chosen, "-d", folder, PACKAGE)
    (taken,) = folder.iterdir()
    return taken


def says_why(project, venv, wheel):
    """What the client of the wheel without a library says; all else must be silent."""
    pip(venv, "install", "--no-index", wheel)
    (project / "answers.py").write_text(ANSWERS)
    outcome, closed, why = json.loads(run(venv / "bin/python", "answers.py", cwd=project, environment=clean()))
    if (outcome, closed) != ("unavailable", "ok") or "brings none" not in why:
        raise Failed(f"without a library the client says {outcome}, {closed}, {why}")
    return why
