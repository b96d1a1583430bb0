"""The examples run, and say the truth."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from conftest import HERE

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Collector


def environment(collector: Collector) -> dict[str, str]:
    return {
        **os.environ,
        "PACT_TELEMETRY_ENDPOINT": collector.url,
        "PACT_TELEMETRY_MEASUREMENT_ID": "G-1",
        "PACT_TELEMETRY_API_SECRET": "s",
    }


def test_the_four_events_example(collector: Collector) -> None:
    program = HERE / "examples/four_events.py"
    done = subprocess.run(
        [sys.executable, program], env=environment(collector), capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert len(collector.events(4)) == 4


def test_the_readmes_program(collector: Collector) -> None:
    program = (HERE / "README.md").read_text().split("```python\n")[1].split("```")[0]
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(collector),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert done.stdout.startswith("ok\nNone\n{")
    assert collector.values(2) == [1, 3]


def test_a_real_pact_consumer_test_reports_its_interactions(collector: Collector, tmp_path: Path) -> None:
    pytest.importorskip("pact", reason="no pact-python for this platform")
    # Pact's own telemetry must end on this machine. Its opt-out would turn ours off as well; a dead proxy does not.
    dead, local = "http://127.0.0.1:9", "127.0.0.1,localhost"
    proxies = {"HTTP_PROXY": dead, "HTTPS_PROXY": dead, "NO_PROXY": local}
    both_cases = {**proxies, **{name.lower(): value for name, value in proxies.items()}}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", HERE / "examples/pact_consumer"],
        env={**environment(collector), **both_cases, "PACT_FOLDER": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["cheese-shop-cheese-store.json"]
    (event,) = collector.events(1)
    assert (event["event"], event["value"]) == ("Pact consumer tests ran", "3")
    assert event["test_framework"] == "pytest"
