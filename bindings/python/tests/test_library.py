"""Which file is loaded, and which reason is given when none can be loaded."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from conftest import LIBRARY, run

import pact_telemetry
from pact_telemetry import _library

if TYPE_CHECKING:
    from conftest import Collector

MAPPED = """
import re
from pathlib import Path
telemetry = Client(library={"id": "a", "name": "A", "version": "1"})
print(re.search(r"\\S*pact_telemetry.so\\S*", Path("/proc/self/maps").read_text()).group())
print(sum("pact_telemetry" in os.readlink(file) for file in Path("/proc/self/fd").iterdir() if file.is_symlink()))
"""
NOTHING = """
telemetry = Client(library={"id": "a", "name": "A", "version": "1"})
assert telemetry.unavailable_reason
assert telemetry.pacts_verified(1) == "unavailable"
assert not telemetry.pacts_verified(1).is_error
assert telemetry.track(object(), None, b"", "x") == "unavailable"
assert telemetry.flush() == telemetry.persist() == telemetry.close() == telemetry.close() == "ok"
telemetry.enabled = True
assert telemetry.enabled is False
for answer in (telemetry.explain(), telemetry.stats(), telemetry.preview("e", "c", "a")):
    assert (answer["outcome"], answer["reason"]) == ("unavailable", telemetry.unavailable_reason)
with telemetry: pass
print(telemetry.unavailable_reason)
"""


def refused(path: object) -> str:
    reason = run(NOTHING, PACT_TELEMETRY_LIBRARY=str(path))
    assert str(path) in reason
    assert "PACT_TELEMETRY_LIBRARY" in reason
    return reason


def test_the_reason_for_a_missing_library(tmp_path: Path) -> None:
    assert "No such file" in refused(tmp_path / "libpact_telemetry.so")


def test_the_reason_for_a_file_that_is_not_a_library(tmp_path: Path) -> None:
    file = tmp_path / "libpact_telemetry.so"
    file.write_text("not a library")
    refused(file)


def test_the_reason_for_a_library_for_another_machine(tmp_path: Path) -> None:
    file = tmp_path / "libpact_telemetry.so"
    s390 = 22
    big_endian = b"\x7fELF\x02\x02\x01".ljust(16, b"\0") + struct.pack(">HHIQQQIHHHHHH", 3, s390, 1, *[0] * 10)
    file.write_bytes(big_endian.ljust(4096, b"\0"))
    refused(file)


def compiled(source: str, folder: Path) -> Path:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler (Debian: gcc)")
    library = folder / "libpact_telemetry.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", library], input=source, text=True, check=True)
    return library


def test_another_abi_is_refused(tmp_path: Path) -> None:
    stub = "unsigned pact_telemetry_abi_version(void) { return 2; }"
    assert "ABI is 2" in refused(compiled(stub, tmp_path))


def test_a_library_without_our_functions_is_refused(tmp_path: Path) -> None:
    assert "pact_telemetry_version" in refused(
        compiled("unsigned pact_telemetry_abi_version(void) { return 1; }", tmp_path)
    )


def test_a_missing_library_starts_no_process(tmp_path: Path) -> None:
    script = """
started, starts = [], ("os.fork", "os.posix_spawn", "subprocess.Popen")
sys.addaudithook(lambda event, _: started.append(event) if event in starts else None)
assert Client().unavailable_reason
assert started == []
"""
    run(script, PACT_TELEMETRY_LIBRARY=str(tmp_path / "none.so"))


def package(folder: Path, platform: str | None, file: str = "libpact_telemetry.so") -> Path:
    """A copy of the package, with this machine's library in the folder of a platform."""
    ignore = shutil.ignore_patterns("native", "__pycache__")
    copied = shutil.copytree(Path(pact_telemetry.__file__).parent, folder / "pact_telemetry", ignore=ignore)
    if platform:
        (copied / "native" / platform).mkdir(parents=True)
        shutil.copy(LIBRARY, copied / "native" / platform / file)
    return copied


def test_the_order_is_variable_then_package_then_system(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, collector: Collector
) -> None:
    assert _library._choose("/mine.so")[0] == "/mine.so"
    assert _library._choose("")[0] == _library._choose(None)[0] == "libpact_telemetry.so.1"

    bundled = package(tmp_path, _library.platform_name()) / "native" / _library.platform_name() / "libpact_telemetry.so"
    monkeypatch.setattr(_library, "FOLDER", str(bundled.parent.parent))
    assert _library._choose(None)[0] == str(bundled)

    script = "telemetry = client()\nprint(telemetry.pacts_verified(1), telemetry.close(10))"
    assert run(script, collector, PACT_TELEMETRY_LIBRARY="", PYTHONPATH=str(tmp_path)) == "ok ok"


def test_the_systems_library_is_found(tmp_path: Path, collector: Collector) -> None:
    shutil.copy(LIBRARY, tmp_path / "libpact_telemetry.so.1")
    script = "telemetry = client()\nprint(telemetry.pacts_verified(1), telemetry.close(10))"
    assert run(script, collector, PACT_TELEMETRY_LIBRARY="", LD_LIBRARY_PATH=str(tmp_path)) == "ok ok"


def test_a_package_without_a_library_says_so(tmp_path: Path) -> None:
    package(tmp_path, None)
    reason = run(NOTHING, PACT_TELEMETRY_LIBRARY="", PYTHONPATH=str(tmp_path))
    assert f"no library for {_library.platform_name()} (it is the one that brings none)" in reason
    assert "the system's library cannot be used: libpact_telemetry.so.1" in reason


def test_a_package_for_another_platform_says_which(tmp_path: Path) -> None:
    package(tmp_path, "darwin-arm64", "libpact_telemetry.dylib")
    reason = run(NOTHING, PACT_TELEMETRY_LIBRARY="", PYTHONPATH=str(tmp_path))
    assert f"no library for {_library.platform_name()} (it is the one for darwin-arm64)" in reason


def test_a_package_in_an_archive_loads_its_library_from_memory(tmp_path: Path) -> None:
    package(tmp_path / "unpacked", _library.platform_name())
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "unpacked")
    out = run(MAPPED, PACT_TELEMETRY_LIBRARY="", PYTHONPATH=archive)
    assert out.splitlines()[0].startswith("/memfd:libpact_telemetry"), out
    assert out.splitlines()[1:] == ["0"], "no descriptor stays open"


def test_a_package_in_an_archive_says_why_its_library_cannot_be_loaded(tmp_path: Path) -> None:
    package(tmp_path / "unpacked", _library.platform_name())
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "unpacked")
    prelude = "import os; del os.memfd_create\nfrom pact_telemetry import Client\n"
    assert "lies in an archive" in run(NOTHING, prelude=prelude, PACT_TELEMETRY_LIBRARY="", PYTHONPATH=archive)
    package(tmp_path / "other", "linux-riscv64-gnu")
    archive = shutil.make_archive(str(tmp_path / "others"), "zip", tmp_path / "other")
    assert "lies in an archive" in run(NOTHING, PACT_TELEMETRY_LIBRARY="", PYTHONPATH=archive)


def glibc(_: str) -> str:
    return "glibc 2.36"


def musl(_: str) -> str:
    raise OSError(22, "Invalid argument")  # as from confstr(3) of musl


WINDOWS = "3.12.1 (tags/v3.12.1) [MSC v.1937 64 bit ({})]"


@pytest.mark.parametrize(
    ("system", "machine", "confstr", "version", "name"),
    [
        ("linux", "x86_64", glibc, "", "linux-x64-gnu"),
        ("linux", "aarch64", glibc, "", "linux-arm64-gnu"),
        ("linux", "x86_64", musl, "", "linux-x64-musl"),
        ("linux", "aarch64", musl, "", "linux-arm64-musl"),
        ("linux", "riscv64", glibc, "", "linux-riscv64-gnu"),
        ("darwin", "x86_64", musl, "", "darwin-x64"),
        ("darwin", "arm64", musl, "", "darwin-arm64"),
        ("win32", "", musl, WINDOWS.format("AMD64"), "win32-x64"),
        ("win32", "", musl, WINDOWS.format("ARM64"), "win32-arm64"),
        ("freebsd14", "amd64", musl, "", "freebsd14-x64"),
    ],
)
def test_each_platform_has_its_name(
    system: str, machine: str, confstr: object, version: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", system)
    monkeypatch.setattr("sys.version", version)
    monkeypatch.setattr("os.uname", lambda: SimpleNamespace(machine=machine))
    monkeypatch.setattr("os.confstr", confstr)
    assert _library.platform_name() == name


def test_a_32_bit_process_does_not_get_the_platform_of_its_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.maxsize", 2**31 - 1)
    assert "32bit" in _library.platform_name()


@pytest.mark.skipif(shutil.which("musl-gcc") is None, reason="no musl-gcc (Debian: musl-tools)")
def test_only_glibc_answers_confstr(tmp_path: Path) -> None:
    source = """
#include <unistd.h>
int main(void) { char text[64]; return confstr(2 /* _CS_GNU_LIBC_VERSION */, text, sizeof text) != 0; }
"""
    assert os.confstr_names["CS_GNU_LIBC_VERSION"] == 2
    for compiler, answers in (("musl-gcc", 0), ("cc", 1)):
        program = tmp_path / compiler
        subprocess.run([compiler, "-x", "c", "-", "-o", program], input=source, text=True, check=True)
        assert subprocess.run([program], check=False).returncode == answers


def test_finding_the_library_starts_no_process_and_opens_no_file() -> None:
    script = """
seen = []
kinds = ("os.fork", "os.posix_spawn", "subprocess.Popen", "open")
sys.addaudithook(lambda event, arguments: seen.append((event, arguments)) if event in kinds else None)
from pact_telemetry import _library
seen.clear()
_library._choose(None)
print(seen)
"""
    assert run(script, prelude="import sys\n") == "[]"
