"""Forks and children of every kind: each event arrives once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from conftest import run

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Collector

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_multiprocessing_report_once_each(collector: Collector, method: str, tmp_path: Path) -> None:
    # A file, for spawn imports the main module anew.
    program = tmp_path / "program.py"
    program.write_text(f"""
import json, multiprocessing, os
from pact_telemetry import Client

telemetry = Client(**json.loads(os.environ["TEST_OPTIONS"]))

def work(number):
    assert telemetry.pacts_verified(number) == "ok"
    assert telemetry.flush(10) == "ok", telemetry.stats()

if __name__ == "__main__":
    telemetry.pacts_verified(100)
    context = multiprocessing.get_context({method!r})
    children = [context.Process(target=work, args=(number,)) for number in range(3)]
    for child in children: child.start()
    for child in children: child.join()
    assert [child.exitcode for child in children] == [0, 0, 0]
    with context.Pool(2) as pool:
        pool.map(work, [10, 11, 12])
    telemetry.pacts_verified(101)
""")
    run(f"import subprocess; subprocess.run([sys.executable, {str(program)!r}], check=True)", collector)
    assert collector.values(8) == [0, 1, 2, 10, 11, 12, 100, 101]


def test_forks_while_threads_track(collector: Collector) -> None:
    script = """
telemetry = client()
stop = False
def track():
    while not stop:
        telemetry.pacts_verified(1)
        telemetry.stats()
        time.sleep(0.001)
threads = [threading.Thread(target=track) for _ in range(3)]
for thread in threads: thread.start()
for number in range(10):
    pid = os.fork()
    if pid == 0:
        ok = telemetry.pacts_verified(1000 + number) == "ok" and telemetry.close(10) == "ok"
        os._exit(0 if ok else 1)
    assert os.waitpid(pid, 0)[1] == 0
stop = True
for thread in threads: thread.join()
assert telemetry.flush(10) == "ok"
print(telemetry.stats()["delivered"])
"""
    own = int(run(script, collector))
    values = collector.values(own + 10)
    assert values == [1] * own + list(range(1000, 1010))


def test_a_child_that_drops_the_parents_client_takes_nothing_from_it(collector: Collector) -> None:
    script = """
telemetry = client()
telemetry.pacts_verified(1)
if os.fork() == 0:
    del telemetry
    sys.exit(0)
assert os.wait()[1] == 0
telemetry.pacts_verified(2)
"""
    run(script, collector)
    assert collector.values(2) == [1, 2]


def test_a_child_that_ends_normally_sends_its_own(collector: Collector) -> None:
    script = """
telemetry = client()
telemetry.pacts_verified(1)
if os.fork() == 0:
    telemetry.pacts_verified(2)
    sys.exit(0)
assert os.wait()[1] == 0
"""
    run(script, collector)
    assert collector.values(2) == [1, 2]


def test_subprocess_with_a_preexec_function(collector: Collector) -> None:
    script = """
import subprocess
telemetry = client()
telemetry.pacts_verified(1)
subprocess.run([sys.executable, "-c", ""], preexec_fn=lambda: telemetry.stats(), check=True)
"""
    run(script, collector)
    assert collector.values(1) == [1]
