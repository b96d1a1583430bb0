"""The wheel works where there is nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

from conftest import HERE, LIBRARY

if TYPE_CHECKING:
    import pytest
    from conftest import Collector

FILES = ("pyproject.toml", "hatch_build.py", "README.md", ".gitignore")


def build(folder: Path, *options: str, native: bool, **environment: str) -> Path:
    """Build the wheel from a copy of the sources, as packaging does."""
    for name in FILES:
        shutil.copy(HERE / name, folder)
    ignore = shutil.ignore_patterns("native", "__pycache__")
    shutil.copytree(HERE / "src", folder / "src", ignore=ignore)
    if native:
        bundled = folder / f"src/pact_telemetry/native/linux-{os.uname().machine}"
        bundled.mkdir(parents=True)
        shutil.copy(LIBRARY, bundled / "libpact_telemetry.so")
    command = [sys.executable, "-m", "build", "--no-isolation", *options, str(folder)]
    subprocess.run(command, env={**os.environ, **environment}, check=True, capture_output=True)
    (wheel,) = (folder / "dist").glob("*.whl")
    return wheel


def test_an_installed_wheel_brings_its_library(collector: Collector, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    # By way of the source distribution, so the library must be in there, too.
    wheel = build(source, native=True, PACT_TELEMETRY_WHEEL_PLATFORM=f"manylinux2014_{os.uname().machine}")
    assert wheel.name == f"pact_telemetry-1.0.0a1-py3-none-manylinux2014_{os.uname().machine}.whl"

    venv.create(tmp_path / "venv")
    python = tmp_path / "venv/bin/python"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python)]
    subprocess.run([*pip, "install", "-q", "--no-index", wheel], check=True)
    shutil.rmtree(source)

    script = f"""
import json, pact_telemetry
with pact_telemetry.Client(**json.loads({json.dumps(collector.options())!r})) as telemetry:
    print(pact_telemetry.__file__, telemetry.pacts_verified(6))
"""
    environment = {name: value for name, value in os.environ.items() if name != "PACT_TELEMETRY_LIBRARY"}
    done: Any = subprocess.run(
        [python, "-c", script], cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
    )
    assert done.stdout.startswith(str(tmp_path / "venv"))
    assert done.stdout.endswith(" ok\n")
    assert done.stderr == ""
    assert collector.values(1) == [6]


def test_a_wheel_without_the_library_is_for_any_platform(tmp_path: Path) -> None:
    wheel = build(tmp_path, "--wheel", native=False)
    assert wheel.name == "pact_telemetry-1.0.0a1-py3-none-any.whl"
    names = ZipFile(wheel).namelist()
    assert "pact_telemetry/py.typed" in names
    assert not [name for name in names if "native/" in name]


def test_a_library_without_a_named_platform_gets_this_machines_tag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PACT_TELEMETRY_WHEEL_PLATFORM", raising=False)
    assert build(tmp_path, "--wheel", native=True).name.endswith(f"-py3-none-linux_{os.uname().machine}.whl")
