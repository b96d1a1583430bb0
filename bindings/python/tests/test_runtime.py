"""The test framework, as seen from inside of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from conftest import run

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Collector

PROJECT = """
import json, os, unittest
from pact_telemetry import Client

class Test(unittest.TestCase):
    pass

def add(number):
    def test(self):
        with Client(**json.loads(os.environ["TEST_OPTIONS"])) as client:
            self.assertEqual(client.consumer_tests_ran(number), "ok")
    setattr(Test, f"test_{number}", test)

for number in range(8):
    add(number)
"""


@pytest.mark.parametrize(
    ("framework", "command"),
    [
        ("pytest", ["pytest", "-q", "-p", "no:cacheprovider"]),
        ("pytest", ["pytest", "-q", "-p", "no:cacheprovider", "-n", "2"]),
        ("unittest", ["unittest", "-q"]),
        ("unittest", ["unittest", "-q", "test_project"]),
    ],
)
def test_a_project_reports_each_event_once_with_its_framework(
    collector: Collector, tmp_path: Path, framework: str, command: list[str]
) -> None:
    (tmp_path / "test_project.py").write_text(PROJECT)
    # What the pytest that runs this test has put there is not the project's.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environment["TEST_OPTIONS"] = json.dumps(collector.options())
    subprocess.run([sys.executable, "-m", *command], cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert collector.values(8) == list(range(8))
    assert {event.get("test_framework") for event in collector.events(8)} == {framework}


def test_an_ordinary_program_has_no_framework() -> None:
    # It inherits pytest's variables from here, and it imports both.
    script = "import unittest\nfrom pact_telemetry._runtime import test_framework\nprint(test_framework())"
    assert run(script) == "None"


def test_detection_imports_nothing() -> None:
    script = """
before = set(sys.modules)
from pact_telemetry import _runtime
_runtime.test_framework(), _runtime.platform_version()
assert set(sys.modules) == before, set(sys.modules) - before
"""
    run(script)
