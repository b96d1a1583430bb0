"""Which file is loaded, and what is said when none can be."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conftest import LIBRARY, run

import pact_telemetry
from pact_telemetry import _library

if TYPE_CHECKING:
    from conftest import Collector

NOTHING = """
telemetry = Client(library={"id": "a", "name": "A", "version": "1"})
assert telemetry.unavailable_reason
unavailable = {"unavailable": telemetry.unavailable_reason}
assert telemetry.pacts_verified(1) == "unavailable"
assert not telemetry.pacts_verified(1).is_error
assert telemetry.track(object(), None, b"", "x") == "unavailable"
assert telemetry.flush() == telemetry.close() == telemetry.close() == "ok"
telemetry.enabled = True
assert telemetry.enabled is False
assert telemetry.explain() == telemetry.stats() == telemetry.preview("e", "c", "a") == unavailable
with telemetry: pass
print(telemetry.unavailable_reason)
"""


def refused(path: object) -> str:
    reason = run(NOTHING, PACT_TELEMETRY_LIBRARY=str(path))
    assert str(path) in reason
    assert "PACT_TELEMETRY_LIBRARY" in reason
    return reason


def test_a_missing_library_is_said(tmp_path: Path) -> None:
    assert "No such file" in refused(tmp_path / "libpact_telemetry.so")


def test_a_file_that_is_no_library_is_said(tmp_path: Path) -> None:
    file = tmp_path / "libpact_telemetry.so"
    file.write_text("no library")
    refused(file)


def test_a_library_for_another_machine_is_said(tmp_path: Path) -> None:
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


def test_the_order_is_variable_then_bundled_then_system(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, collector: Collector
) -> None:
    assert _library._choose("/mine.so")[0] == "/mine.so"
    assert _library._choose("")[0] == _library._choose(None)[0] == "libpact_telemetry.so.1"

    package = tmp_path / "pact_telemetry"
    shutil.copytree(Path(pact_telemetry.__file__).parent, package)
    monkeypatch.setattr(_library, "__file__", str(package / "_library.py"))
    bundled = package / "native" / f"linux-{os.uname().machine}" / "libpact_telemetry.so"
    bundled.parent.mkdir(parents=True)
    shutil.copy(LIBRARY, bundled)
    assert _library._choose(None)[0] == str(bundled)

    script = "telemetry = client()\nprint(telemetry.pacts_verified(1), telemetry.close(10))"
    assert run(script, collector, PACT_TELEMETRY_LIBRARY="", PYTHONPATH=str(tmp_path)) == "ok ok"


def test_the_systems_library_is_found(tmp_path: Path, collector: Collector) -> None:
    shutil.copy(LIBRARY, tmp_path / "libpact_telemetry.so.1")
    script = "telemetry = client()\nprint(telemetry.pacts_verified(1), telemetry.close(10))"
    assert run(script, collector, PACT_TELEMETRY_LIBRARY="", LD_LIBRARY_PATH=str(tmp_path)) == "ok ok"
    assert "the system's library" in run(NOTHING, PACT_TELEMETRY_LIBRARY="")
