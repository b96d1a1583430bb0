"""What the tests share: an environment without the person's choices, a real collector, and programs of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parents[1]
ROOT = HERE.parents[1]
LIBRARY = os.environ.get("PACT_TELEMETRY_LIBRARY") or str(ROOT / "build/lib/libpact_telemetry.so")
COMMAND = os.environ.get("PACT_TELEMETRY_COMMAND") or str(ROOT / "target/debug/pact-telemetry")

# The tests must not use the choices, configuration and proxies of the person who runs them.
for name in list(os.environ):
    if name.lower().endswith(("do_not_track", "_proxy")) or name.startswith("PACT_TELEMETRY_"):
        del os.environ[name]
HOME = tempfile.TemporaryDirectory(prefix="pact-telemetry-")
os.environ.update(
    PACT_TELEMETRY_LIBRARY=LIBRARY,
    XDG_CONFIG_HOME=HOME.name,
    # In CI the exit of a process waits longer.
    CI="true",
    # Python 3.12 warns at any fork of a process with threads, and the library has threads.
    PYTHONWARNINGS="ignore:This process:DeprecationWarning",
)


@pytest.fixture(autouse=True)
def state(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a state folder of its own: its collector may get a port again for which another test left events.

    The notice was shown before, so nothing is printed on standard error and events are sent.
    """
    folder = Path(tempfile.mkdtemp(prefix="state-", dir=HOME.name))
    (folder / "notice.json").write_text('{"shown_ms":1}')
    monkeypatch.setenv("PACT_TELEMETRY_STATE_DIR", str(folder))
    return folder


class Collector:
    """The real collector, and the events that arrived there."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen([COMMAND, "collect", *arguments], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url: str = json.loads(self._process.stdout.readline())["url"]
        self._events: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            record = json.loads(line)
            if record["type"] == "event":
                with self._changed:
                    self._events.append(record)
                    self._changed.notify_all()

    def events(self, count: int) -> list[dict[str, Any]]:
        """Wait until `count` events have arrived, and then a moment for events that should not arrive."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._events) >= count, 10)
        time.sleep(0.1)
        assert [event["problems"] for event in self._events if event["problems"]] == []
        return [event["fields"] for event in self._events]

    def values(self, count: int) -> list[int]:
        """The values of the events, sorted."""
        return sorted(int(event["value"]) for event in self.events(count))

    def options(self, **more: object) -> dict[str, Any]:
        """The options of a client that reports here."""
        return {
            "library": {"id": "pact-python", "name": "Pact Python", "version": "1.2.3"},
            "endpoint": self.url,
            "measurement_id": "G-1",
            "api_secret": "s",
            # Tests run on busy machines.
            "exit_timeout": 10,
            **more,
        }

    def end(self) -> None:
        self._process.terminate()
        self._process.wait()


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.end()


@pytest.fixture
def hanging_collector() -> Iterator[Collector]:
    collector = Collector("--answers", "hang*")
    yield collector
    collector.end()


PRELUDE = """
import json, os, sys, threading, time
from pact_telemetry import Client, Outcome
def client(**more):
    return Client(**{**json.loads(os.environ["TEST_OPTIONS"]), **more})
"""


def run(
    script: str,
    collector: Collector | None = None,
    *,
    code: int = 0,
    prelude: str = PRELUDE,
    python: str = sys.executable,
    environment: dict[str, str] | None = None,
    **more: str,
) -> str:
    """Run a program and return what it printed. Its exit code is asserted, and for 0 also an empty standard error."""
    options = json.dumps(collector.options()) if collector else "{}"
    done = subprocess.run(
        [python, "-c", prelude + script],
        env={**os.environ, "TEST_OPTIONS": options, **(environment or {}), **more},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stderr
    if code == 0:
        assert done.stderr == ""
    return done.stdout.strip()
