"""The packages that the build makes. Packaging makes the published ones, and checks that they install."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from email import message_from_bytes
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest
from conftest import HERE, LIBRARY, ROOT

from pact_telemetry import _library

if TYPE_CHECKING:
    from pathlib import Path

PLATFORM = _library.platform_name()
FILES = ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", ".gitignore")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the sources, with a library and its documents, as packaging makes it."""
    for name in FILES:
        shutil.copy(HERE / name, tmp_path)
    ignore = shutil.ignore_patterns("native", "__pycache__")
    package = shutil.copytree(HERE / "src", tmp_path / "src", ignore=ignore) / "pact_telemetry"
    (package / "native" / PLATFORM).mkdir(parents=True)
    shutil.copy(LIBRARY, package / "native" / PLATFORM / "libpact_telemetry.so")
    (package / "COLLECTED.md").write_text("All.")
    (tmp_path / "THIRD-PARTY-LICENSES.txt").write_text("Theirs.")
    shutil.copy(ROOT / "docs/pact_telemetry.cdx.json", tmp_path)
    return tmp_path


def build(source: Path, kind: str, **environment: str) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind]
    subprocess.run(command, cwd=source, env={**os.environ, **environment}, check=True, capture_output=True)
    (made,) = (source / "dist").iterdir()
    return made


def test_a_wheel_with_a_library_is_for_its_platform_and_has_its_documents(source: Path) -> None:
    wheel = build(source, "wheel", PACT_TELEMETRY_WHEEL_PLATFORM="manylinux_2_17_x86_64.manylinux2014_x86_64")
    assert wheel.name.endswith("-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl")
    with ZipFile(wheel) as archive:
        names = archive.namelist()
        (information,) = {name.split("/")[0] for name in names if ".dist-info/" in name}
        metadata = message_from_bytes(archive.read(f"{information}/METADATA"))
        tags = message_from_bytes(archive.read(f"{information}/WHEEL"))
    assert [name for name in names if "native/" in name] == [f"pact_telemetry/native/{PLATFORM}/libpact_telemetry.so"]
    assert {
        "pact_telemetry/py.typed",
        "pact_telemetry/COLLECTED.md",
        f"{information}/licenses/LICENSE",
        f"{information}/licenses/THIRD-PARTY-LICENSES.txt",
        f"{information}/sboms/pact_telemetry.cdx.json",
    } <= set(names)
    assert metadata.get_all("License-File") == ["LICENSE", "THIRD-PARTY-LICENSES.txt"]
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Dist"] is None or all(
        "extra ==" in one for one in metadata.get_all("Requires-Dist") or []
    )
    assert len(metadata.get_all("Classifier") or []) > 5
    assert len(metadata.get_all("Project-URL") or []) > 3
    expected = ["py3-none-manylinux2014_x86_64", "py3-none-manylinux_2_17_x86_64"]
    assert (tags["Root-Is-Purelib"], sorted(tags.get_all("Tag") or [])) == ("false", expected)


def test_the_sdist_has_no_library_and_becomes_a_wheel_for_any_platform(source: Path) -> None:
    sdist = build(source, "sdist")
    with tarfile.open(sdist) as archive:
        names = archive.getnames()
        if hasattr(tarfile, "data_filter"):
            archive.extractall(source, filter="data")
        else:
            archive.extractall(source)
    assert [name for name in names if "/native" in name] == []
    wheel = build(source / sdist.name.removesuffix(".tar.gz"), "wheel")
    assert wheel.name == f"{sdist.name.removesuffix('.tar.gz')}-py3-none-any.whl"
    assert [name for name in ZipFile(wheel).namelist() if "native/" in name or "sboms/" in name] == []


def test_a_library_without_a_named_platform_gets_this_machines_tag(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PACT_TELEMETRY_WHEEL_PLATFORM", raising=False)
    assert build(source, "wheel").name.endswith(f"-py3-none-linux_{os.uname().machine}.whl")
