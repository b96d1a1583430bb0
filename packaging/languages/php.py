"""The Composer package, with the libraries of all platforms in one archive: how it is made, and how it is tried."""

import json
import time
import zipfile

from shared import (
    EPOCH,
    PACKAGES,
    PLATFORMS,
    VERSION,
    Failed,
    NotThere,
    clean,
    copy_sources,
    documents,
    natives,
    need,
    placeholders,
    run,
    send,
    this_platform,
)

NAME = "pact-foundation/telemetry"
PHP = """<?php
require __DIR__ . '/vendor/autoload.php';
$telemetry = new PactFoundation\\Telemetry\\Client(new PactFoundation\\Telemetry\\Library('tried-php', 'Tried', '1'));
echo $telemetry->pactsVerified(7)->value, $telemetry->unavailableReason, $telemetry->flush(10)->value, "\\n";
readfile('/proc/self/maps');
"""
ANSWERS = """<?php
require __DIR__ . '/vendor/autoload.php';
$telemetry = new PactFoundation\\Telemetry\\Client(new PactFoundation\\Telemetry\\Library('tried-php', 'Tried', '1'));
echo json_encode([$telemetry->pactsVerified(7), $telemetry->close(), $telemetry->unavailableReason]);
"""
# Of the sources, what a person has a use for.
WANTED = ("composer.json", "ffi-preload.php", "preload.php", "README.md", "src/", "examples/")

# What a package of another version, or of an earlier run, is called.
OUTPUTS = ["pact-foundation-telemetry-*.zip"]


def pack():
    return make(natives(), PACKAGES)


def make(libraries, folder):
    """{package: [the platforms whose library it carries]}: Composer has no packages for platforms, so there is one."""
    folder.mkdir(parents=True, exist_ok=True)
    work = copy_sources("php")
    manifest = json.loads((work / "composer.json").read_text())
    # A tag names the version of what Packagist takes from a repository; an archive has no tag.
    (work / "composer.json").write_text(json.dumps({**manifest, "version": VERSION}, indent=4) + "\n")
    wanted = (*WANTED, *documents(work))
    files = {}
    for path in sorted(work.rglob("*")):
        name = path.relative_to(work).as_posix()
        if path.is_file() and name.startswith(wanted):
            files[name] = path.read_bytes()
    for name, library in libraries.items():
        files[f"native/{name}/{PLATFORMS[name].file}"] = library.read_bytes()
    package = folder / f"pact-foundation-telemetry-{VERSION}.zip"
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            member = zipfile.ZipInfo(name, time.gmtime(int(EPOCH))[:6])
            member.compress_type, member.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(member, data)
    return {package: list(libraries)}


def composer(folder, package):
    """An empty project with the package, which Composer installs from the archive and from nowhere else."""
    need("php", "composer", "unzip")
    folder.mkdir(exist_ok=True)
    if run("php", "-r", "echo (int) extension_loaded('ffi');", cwd=folder) != "1":
        raise NotThere("PHP has no FFI here (Debian: php-cli)")
    with zipfile.ZipFile(package) as archive:
        manifest = json.loads(archive.read("composer.json"))
    manifest["dist"] = {"type": "zip", "url": package.as_uri()}
    project = {
        "require": {NAME: VERSION},
        "minimum-stability": "dev",
        "repositories": [{"type": "package", "package": manifest}, {"packagist.org": False}],
    }
    (folder / "composer.json").write_text(json.dumps(project))
    environment = {**clean(), "COMPOSER_HOME": str(folder / "home"), "COMPOSER_ALLOW_SUPERUSER": "1"}
    run("composer", "install", "--no-interaction", "--quiet", cwd=folder, environment=environment)
    unpacked = folder / "vendor" / NAME
    run("composer", "validate", "--strict", "--no-check-version", "--quiet", cwd=unpacked, environment=environment)
    return folder


def try_in(collector, project):
    package = PACKAGES / f"pact-foundation-telemetry-{VERSION}.zip"
    if not package.exists():
        raise NotThere("there is no package of it")
    composer(project, package)
    (project / "tried.php").write_text(PHP)
    return package, send(collector, project, "php", "php", "tried.php")


def try_elsewhere(project):
    """{platform: its library in the package}; where there is none for this machine, the client says why."""
    libraries = placeholders(project / "libraries")
    (package,) = make(libraries, project / "all")
    with zipfile.ZipFile(package) as archive:
        inside = [name for name in archive.namelist() if name.startswith("native/")]
    found = {name: f"native/{name}/{one.file}" for name, one in PLATFORMS.items()}
    if sorted(inside) != sorted(found.values()):
        raise Failed(f"the package carries {', '.join(inside)}")
    libraries.pop(this_platform(), None)
    (package,) = make(libraries, project / "others")
    place = composer(project / "without", package)
    (place / "answers.php").write_text(ANSWERS)
    outcome, closed, why = json.loads(run("php", "answers.php", cwd=place, environment=clean()))
    if (outcome, closed) != ("unavailable", "ok") or "has no library for" not in why:
        raise Failed(f"without a library the client says {outcome}, {closed}, {why}")
    return {**found, "any without a library": f"the same package, and the client says: {why}"}
