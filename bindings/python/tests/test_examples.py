"""The examples run and report what they should, and the README is true."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from conftest import HERE, ROOT

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


README = (HERE / "README.md").read_text()
PROGRAM = README.split("```python\n")[1].split("```")[0]


def readme(environment: dict[str, str]) -> list[str]:
    """The lines that the README's program prints."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_the_readmes_program_as_the_readme_says_to_run_it(collector: Collector) -> None:
    variables = dict(re.findall(r"(PACT_TELEMETRY_(?!DEBUG|LIBRARY)\w+)=(\S+)", README))
    assert "8123" in variables["PACT_TELEMETRY_ENDPOINT"]
    variables["PACT_TELEMETRY_ENDPOINT"] = collector.url
    outcome, rule, body, accepted = readme({**os.environ, **variables})
    assert (outcome, rule, json.loads(body)["events"][0]["name"], accepted) == ("ok", "None", "pacts_verified", "2")
    assert collector.values(2) == [1, 3]


def test_the_readmes_program_without_a_library() -> None:
    lines = readme({**os.environ, "PACT_TELEMETRY_LIBRARY": "/none"})
    assert lines == ["unavailable", "None", "None", "0"]


def test_the_readme_names_all_that_is_collected_and_has_no_links() -> None:
    table = (ROOT / "docs/privacy.md").read_text().split("|---|---|---|---|---|\n")[1].split("\n\n")[0]
    names = [row.split("|")[1].strip() for row in table.splitlines()]
    assert len(names) > 10
    flat = " ".join(README.split())
    assert [name for name in names if name not in flat] == []
    assert re.findall(r"\]\(|https?://(?!127)", README) == []


def test_a_real_pact_consumer_test_reports_its_interactions(collector: Collector, tmp_path: Path) -> None:
    pytest.importorskip("pact", reason="no pact-python for this platform")
    # The telemetry of Pact itself must not leave this machine. Its opt-out would also turn off this package, so a proxy
    # that does not exist blocks it.
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
