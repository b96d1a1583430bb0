"""The test framework that is recognised in a program that it runs."""

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
        ("nose2", ["nose2"]),
    ],
)
def test_a_project_reports_each_event_once_with_its_framework(
    collector: Collector, tmp_path: Path, framework: str, command: list[str]
) -> None:
    (tmp_path / "test_project.py").write_text(PROJECT)
    subprocess.run(
        [sys.executable, "-m", *command], cwd=tmp_path, env=environment(collector), check=True, capture_output=True
    )
    assert collector.values(8) == list(range(8))
    assert {event.get("test_framework") for event in collector.events(8)} == {framework}


def environment(collector: Collector) -> dict[str, str]:
    """The environment of this process, without the variables of the pytest that runs this test."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    return {**kept, "TEST_OPTIONS": json.dumps(collector.options())}


REPORT = """
import json, os
from pact_telemetry import Client

def report():
    with Client(**json.loads(os.environ["TEST_OPTIONS"])) as client:
        assert client.consumer_tests_ran(5) == "ok"
"""


def framework(collector: Collector, folder: Path, *command: str) -> str | None:
    """The test framework in the event that the command reports, run in the folder."""
    subprocess.run(command, cwd=folder, env=environment(collector), check=True, capture_output=True)
    (event,) = collector.events(1)
    return event.get("test_framework")


def test_behave_is_named(collector: Collector, tmp_path: Path) -> None:
    steps = tmp_path / "features/steps"
    steps.mkdir(parents=True)
    (tmp_path / "features/one.feature").write_text("Feature: one\n  Scenario: one\n    Given an event\n")
    (steps / "steps.py").write_text(
        f"from behave import given\n{REPORT}\n@given('an event')\ndef step(context):\n    report()\n"
    )
    assert framework(collector, tmp_path, sys.executable, "-m", "behave", "-q") == "behave"


def test_robot_framework_is_named(collector: Collector, tmp_path: Path) -> None:
    (tmp_path / "reporting.py").write_text(REPORT)
    (tmp_path / "one.robot").write_text(
        "*** Settings ***\nLibrary    reporting.py\n*** Test Cases ***\nOne\n    Report\n"
    )
    command = [sys.executable, "-m", "robot", "--output", "NONE", "--log", "NONE", "--report", "NONE", "one.robot"]
    assert framework(collector, tmp_path, *command) == "Robot Framework"


def test_a_program_that_runs_unittest_itself_is_unittest(collector: Collector, tmp_path: Path) -> None:
    case = "import unittest\nclass Test(unittest.TestCase):\n    def test(self): report()\nunittest.main()\n"
    (tmp_path / "manage.py").write_text(REPORT + case)
    assert framework(collector, tmp_path, sys.executable, "manage.py") == "unittest"


def test_an_ordinary_program_has_no_framework() -> None:
    # It inherits pytest's variables from this test, and imports unittest.
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
