"""Processes that fork or start others: each event arrives once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest
from conftest import COMMAND, HERE, run

from pact_telemetry import _processes

if TYPE_CHECKING:
    from conftest import Collector

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_multiprocessing_report_once_each(collector: Collector, method: str, tmp_path: Path) -> None:
    # The program is a file, because spawn imports the main module again.
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


WORKERS = """
import concurrent.futures, json, multiprocessing, os, sys
from pact_telemetry import Client, _processes

_processes.WAIT = 30  # enough on a busy machine; another test looks at the limit

def client():
    return Client(**json.loads(os.environ["TEST_OPTIONS"]))

if os.environ["TEST_CLIENT"] != "in the task":
    telemetry = client()

def work(number):
    if os.environ["TEST_CLIENT"] == "in the task":
        outcome = client().pacts_verified(number)  # afterwards nothing refers to the client
    else:
        outcome = telemetry.pacts_verified(number)
    assert outcome == "ok", outcome

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    if os.environ["TEST_CLIENT"] == "used before":
        telemetry.pacts_verified(100)
    if sys.argv[2] == "Process":
        children = [context.Process(target=work, args=(number,)) for number in range(6)]
        for child in children: child.start()
        for child in children: child.join()
        assert [child.exitcode for child in children] == [0] * 6
    elif sys.argv[2] == "Pool":
        pool = context.Pool(3)
        pool.map(work, range(6))
        pool.close()
        pool.join()
    elif sys.argv[2] == "with Pool":
        with context.Pool(3) as pool:
            pool.map(work, range(6))
    else:
        with concurrent.futures.ProcessPoolExecutor(3, context) as pool:
            list(pool.map(work, range(6)))
"""


@pytest.mark.parametrize(
    ("method", "kind", "made"),
    [
        ("fork", "Process", "before"),
        ("fork", "Pool", "used before"),
        ("fork", "Executor", "in the task"),
        ("forkserver", "Process", "in the task"),
        ("forkserver", "Pool", "before"),
        ("forkserver", "Executor", "used before"),
        ("spawn", "Pool", "before"),
    ],
)
def test_what_a_worker_tracked_arrives(collector: Collector, method: str, kind: str, made: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(WORKERS)
    options = json.dumps(collector.options())
    environment = {**os.environ, "TEST_OPTIONS": options, "TEST_CLIENT": made}
    subprocess.run([sys.executable, program, method, kind], env=environment, check=True, timeout=60)
    expected = [0, 1, 2, 3, 4, 5, *([100] if made == "used before" else [])]
    assert arrived(collector, expected) == expected


def test_what_a_worker_tracked_is_on_disk_while_the_server_hangs(hanging_collector: Collector, tmp_path: Path) -> None:
    assert left_on_disk(hanging_collector, tmp_path, "before", WORKERS, "fork", "Pool") == 6


def left_on_disk(hanging_collector: Collector, folder: Path, made: str, source: str, *arguments: str) -> int:
    """How many events wait on disk when the workers have ended."""
    program = folder / "program.py"
    program.write_text(source)
    environment = {
        **os.environ,
        "PACT_TELEMETRY_STATE_DIR": str(folder / "state"),
        "PACT_TELEMETRY_NOTICE": "seen",
        "TEST_OPTIONS": json.dumps(hanging_collector.options(exit_timeout=0.5)),
        "TEST_CLIENT": made,
    }
    subprocess.run([sys.executable, program, *arguments], env=environment, check=True, timeout=60)
    command = [COMMAND, "status", "--json"]
    status = json.loads(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)
    return int(status["waiting"]["events"])


# A pool ends its workers by a signal, when the results are there. spawn imports the main module, and makes the client,
# before the process knows that it is a worker.
@pytest.mark.parametrize(
    ("method", "made"),
    [("fork", "used before"), ("fork", "in the task"), ("forkserver", "before"), ("spawn", "before")],
)
def test_what_a_worker_tracked_is_on_disk_when_a_pool_ends_it(
    hanging_collector: Collector, method: str, made: str, tmp_path: Path
) -> None:
    left = left_on_disk(hanging_collector, tmp_path, made, WORKERS, method, "with Pool")
    assert left == 6 + (made == "used before")


CHILDREN = """
import concurrent.futures, json, multiprocessing, os, signal, sys

def client():
    from pact_telemetry import Client, _processes
    _processes.WAIT = 30  # enough on a busy machine; another test looks at the limit
    return Client(**json.loads(os.environ["TEST_OPTIONS"]))

if os.environ["TEST_CLIENT"] != "in the child":
    telemetry = client()

def work(number):
    own = client() if os.environ["TEST_CLIENT"] == "in the child" else telemetry
    for more in range(3):
        assert own.pacts_verified(10 * number + more) == "ok"

def child(number):
    pid = os.fork()
    if pid == 0:
        work(number)
        os._exit(0) if sys.argv[1] == "os._exit" else os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)

if __name__ == "__main__":
    if sys.argv[1] == "terminated executor":
        pool = concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
        list(pool.map(work, range(2)))
        for process in list(pool._processes.values()):
            process.kill()
        pool.shutdown()
    else:
        child(0)
        child(1)
"""


@pytest.mark.parametrize(
    ("how", "made"),
    [
        ("os._exit", "before"),
        ("os._exit", "in the child"),  # the package is imported there too
        ("a signal", "before"),
        ("terminated executor", "before"),
    ],
)
def test_what_a_child_tracked_is_on_disk_when_it_ends_without_exit_handlers(
    hanging_collector: Collector, how: str, made: str, tmp_path: Path
) -> None:
    assert left_on_disk(hanging_collector, tmp_path, made, CHILDREN, how) == 6


def test_only_a_child_or_a_worker_waits_for_the_disk_and_not_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow:
        waited: ClassVar[list[int]] = []

        def exit_timeout_ms(self) -> int:
            raise NotImplementedError

        def flush(self, timeout_ms: int) -> int:
            raise NotImplementedError

        def persist(self, timeout_ms: int) -> int:
            self.waited.append(timeout_ms)
            now[0] += timeout_ms / 1000
            return 0

    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    worker = _processes.Worker()
    worker.hurry(Slow())
    assert (worker.may_be_killed, Slow.waited) == (False, [])
    worker.may_be_killed, worker.began = True, now[0]
    for _ in range(3):
        worker.hurry(Slow())
    now[0] += 10
    worker.hurry(Slow())
    assert Slow.waited[0] == 50
    assert sum(Slow.waited[1:-1]) <= 1
    assert 99 <= Slow.waited[-1] <= 101


def arrived(collector: Collector, expected: list[int]) -> list[int]:
    """The values that arrived at once, or with one of the next processes, whose own values are 1000 or more."""
    deadline = time.monotonic() + 30
    while True:
        values = [value for value in collector.values(0) if value < 1000]
        if len(values) >= len(expected) or time.monotonic() > deadline:
            return values
        run("telemetry = client()\ntelemetry.pacts_verified(1000)\ntelemetry.close(5)", collector)


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


def test_a_child_that_drops_the_client_does_not_affect_the_parent(collector: Collector) -> None:
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


def test_a_child_that_exits_normally_sends_its_own_events(collector: Collector) -> None:
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


def python_that_warns_of_forks() -> str | None:
    """The path of a Python 3.12 or later: the one that runs the tests, or another one on this machine."""
    if sys.version_info >= (3, 12):
        return sys.executable
    others = [shutil.which(f"python3.{minor}") for minor in range(12, 20)]
    others += [str(path) for path in Path.home().glob(".pyenv/versions/3.1[2-9]*/bin/python")]
    check = "import ctypes, sys; sys.exit(sys.version_info < (3, 12))"
    for other in filter(None, others):  # some commands of a version manager do not run any Python
        if subprocess.run([other, "-c", check], capture_output=True, check=False).returncode == 0:
            return other
    return None


@pytest.mark.parametrize("when", ["before the first event", "after quiet"])
def test_python_does_not_warn_at_a_fork_when_no_threads_run(collector: Collector, when: str) -> None:
    # The binding itself starts no thread. The library's threads end after a second or two without events.
    python = python_that_warns_of_forks()
    if python is None:
        pytest.skip("no Python 3.12 or later")
    script = """
telemetry = client()
if os.environ["TEST_WHEN"] == "after quiet":
    assert telemetry.pacts_verified(1) == telemetry.flush(10) == "ok"
    deadline = time.monotonic() + 30
    while len(os.listdir("/proc/self/task")) > 1 and time.monotonic() < deadline:
        time.sleep(0.05)
if os.fork() == 0:
    os._exit(0)
os.wait()
"""
    environment = {"PYTHONPATH": str(HERE / "src"), "PYTHONWARNINGS": "always", "TEST_WHEN": when}
    run(script, collector, python=python, environment=environment)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="no /proc on this system")
def test_the_threads_of_a_quiet_process_end_and_start_again(collector: Collector) -> None:
    script = """
telemetry = client()
def threads():
    return len(os.listdir("/proc/self/task"))
for number in range(2):
    assert threads() == 1
    assert telemetry.pacts_verified(number) == telemetry.flush(10) == "ok"
    deadline = time.monotonic() + 30
    while threads() > 1 and time.monotonic() < deadline:
        time.sleep(0.05)
"""
    run(script, collector)
    assert collector.values(2) == [0, 1]
