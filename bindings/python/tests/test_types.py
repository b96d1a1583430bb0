"""Type checkers find what is wrong, and report nothing else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import HERE

FILES = [HERE / "tests/types/right.py", HERE / "tests/types/wrong.py"]
WRONG = {
    (path.name, number)
    for path in FILES
    for number, line in enumerate(path.read_text().splitlines(), 1)
    if "# wrong" in line
}


def test_mypy_reports_what_is_wrong_and_nothing_else() -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", *map(str, FILES)]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    assert {
        (Path(file).name, int(line)) for file, line in re.findall(r"^(\S+):(\d+): error", done.stdout, re.M)
    } == WRONG


def test_pyright_reports_what_is_wrong_and_nothing_else(tmp_path: Path) -> None:
    pytest.importorskip("pyright", reason="pyright is not installed")
    for path in FILES:
        shutil.copy(path, tmp_path)
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, "-p", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.stdout.startswith("{"):
        pytest.skip(f"pyright cannot be run: {(done.stdout + done.stderr)[-200:]}")
    found = json.loads(done.stdout)["generalDiagnostics"]
    errors = {
        (Path(one["file"]).name, one["range"]["start"]["line"] + 1) for one in found if one["severity"] == "error"
    }
    assert errors == WRONG, [one["message"] for one in found]
