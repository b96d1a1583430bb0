"""The C++ archive: a header, files for CMake, and the libraries of all platforms; how it is made and tried."""

import gzip
import io
import re
import tarfile

from shared import (
    EPOCH,
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
    need,
    placeholders,
    run,
    send,
    this_platform,
)

NAME = f"pact_telemetry-cpp-{VERSION}"
PROJECT = """cmake_minimum_required(VERSION 3.15)
project(tried CXX)
find_package(pact_telemetry 1 CONFIG REQUIRED)
add_executable(linked tried.cpp)
target_link_libraries(linked PRIVATE pact_telemetry::telemetry)
add_executable(loaded tried.cpp)
target_link_libraries(loaded PRIVATE pact_telemetry::loaded)
"""
PROGRAM = """#include <fstream>
#include <iostream>
#include <pact_telemetry.hpp>

int main()
{
    pact::telemetry::Client telemetry({"tried-cpp", "Tried", "1"});
    std::cout << name(telemetry.pacts_verified(7)) << " " << name(telemetry.flush(std::chrono::seconds(10))) << " "
              << telemetry.unavailable_reason().value_or("") << "\\n";
    std::cout << std::ifstream("/proc/self/maps").rdbuf();
}
"""

# What a package of another version, or of an earlier run, is called.
OUTPUTS = ["pact_telemetry-cpp-*.tar.gz"]


def pack():
    return make(natives(), PACKAGES)


def file_of(platform):
    """The library's name in the package: on Linux the one that a linked program looks for."""
    return f"{PLATFORMS[platform].file}.1" if platform.startswith("linux") else PLATFORMS[platform].file


def make(libraries, folder):
    """{package: [the platforms whose library it carries]}. CMake chooses the library, so there is one archive."""
    folder.mkdir(parents=True, exist_ok=True)
    work = copy_sources("cpp")
    files = {name: (work / name).read_bytes() for name in (*documents(work), "README.md")}
    files["include/pact_telemetry.h"] = (ROOT / "include/pact_telemetry.h").read_bytes()
    files["include/pact_telemetry.hpp"] = (work / "include/pact_telemetry.hpp").read_bytes()
    files["examples/four_events.cpp"] = (work / "examples/four_events.cpp").read_bytes()
    for path in (work / "cmake").glob("*.cmake"):
        files[f"lib/cmake/pact_telemetry/{path.name}"] = path.read_bytes()
    for name, library in libraries.items():
        files[f"native/{name}/{file_of(name)}"] = library.read_bytes()
    package = folder / f"{NAME}.tar.gz"
    with package.open("wb") as out, gzip.GzipFile("", "wb", fileobj=out, mtime=int(EPOCH)) as zipped:
        with tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for name, data in sorted(files.items()):
                member = tarfile.TarInfo(f"{NAME}/{name}")
                member.size, member.mtime, member.mode = len(data), int(EPOCH), 0o644
                archive.addfile(member, io.BytesIO(data))
    return {package: list(libraries)}


def built(folder, package):
    """An empty project that finds the unpacked package, and no other, by find_package()."""
    need("cmake", "c++")
    folder.mkdir(exist_ok=True)
    with tarfile.open(package) as archive:
        archive.extractall(folder)
    (folder / "CMakeLists.txt").write_text(PROJECT)
    (folder / "tried.cpp").write_text(PROGRAM)
    run("cmake", "-S", ".", "-B", "build", f"-DCMAKE_PREFIX_PATH={folder / NAME}", cwd=folder, environment=clean())
    run("cmake", "--build", "build", cwd=folder, environment=clean())
    return folder


def try_in(collector, project):
    package = PACKAGES / f"{NAME}.tar.gz"
    if not package.exists():
        raise NotThere("there is no package of it")
    built(project, package)
    send(collector, project, "cpp", "build/loaded")
    return package, send(collector, project, "cpp", "build/linked")


def try_elsewhere(project):
    """{platform: its library in the package}; where there is none for this machine, the client says why."""
    libraries = placeholders(project / "libraries")
    (package,) = make(libraries, project / "all")
    with tarfile.open(package) as archive:
        inside = [name for name in archive.getnames() if "/native/" in name]
    found = {name: f"{NAME}/native/{name}/{file_of(name)}" for name in PLATFORMS}
    if sorted(inside) != sorted(found.values()):
        raise Failed(f"the package carries {', '.join(inside)}")
    libraries.pop(this_platform(), None)
    (package,) = make(libraries, project / "others")
    place = built(project / "without", package)
    why = run("build/linked", cwd=place, environment=clean()).splitlines()[0]
    if not re.match("unavailable ok the package has no library for this platform", why):
        raise Failed(f"without a library the client says: {why}")
    return {**found, "any without a library": f"the same package, and the client says: {why}"}
