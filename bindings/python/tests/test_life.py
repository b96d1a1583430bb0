"""Clients that are closed, collected or used by several threads, and clients at the exit of the process."""

from __future__ import annotations

import ctypes
import gc
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from conftest import run

from pact_telemetry import Client, Outcome

if TYPE_CHECKING:
    from conftest import Collector


@pytest.fixture
def freed(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The address of every client that is freed, in order."""
    from pact_telemetry._library import load

    native, addresses = load(), list[object]()
    free = native.pact_telemetry_free

    def counting(handle: Any) -> None:
        addresses.append(handle.value)
        free(handle)

    monkeypatch.setattr(native, "pact_telemetry_free", counting)
    return addresses


def test_after_close_every_call_returns_closed_or_ok(collector: Collector, freed: list[object]) -> None:
    client = Client(**collector.options())
    assert client.pacts_verified(1) is Outcome.OK
    assert client.close(10) is Outcome.OK
    assert client.close() is client.flush() is client.persist() is Outcome.OK  # nothing waits
    assert client.pacts_verified(1) is Outcome.CLOSED
    assert client.track("Never seen before", "c", "a", 12345) is Outcome.CLOSED
    explanation, stats = client.explain(), client.stats()
    assert (explanation["state"], explanation["enabled"]) == ("closed", False)
    assert (stats["delivered"], stats["not_accepted"]["closed"]) == (1, 2)
    assert client.preview("e", "c", "a")["method"] == "POST"
    client.enabled = True
    assert not client.enabled
    assert "closed" in repr(client)
    with client:
        pass
    assert freed == []
    del client
    gc.collect()
    assert len(freed) == 1


def test_a_with_block_that_raises_closes_the_client_and_raises(collector: Collector) -> None:
    client = Client(**collector.options())

    def body() -> None:
        with client:
            client.pacts_verified(1)
            raise KeyError("mine")

    with pytest.raises(KeyError):
        body()
    assert client.pacts_verified(2) is Outcome.CLOSED
    assert collector.values(1) == [1]


def test_close_while_other_threads_use_the_client(collector: Collector, freed: list[object]) -> None:
    for _ in range(30):
        client = Client(**collector.options(queue_capacity=10))
        seen: set[Outcome] = set()
        begun = threading.Barrier(5)

        def use(client: Client, seen: set[Outcome], begun: threading.Barrier) -> None:
            begun.wait()
            outcome = None
            while outcome is not Outcome.CLOSED:
                outcome = client.pacts_verified(1)
                client.stats()
                client.flush(0.001)
                seen.add(outcome)

        threads = [threading.Thread(target=use, args=(client, seen, begun)) for _ in range(4)]
        for thread in threads:
            thread.start()
        begun.wait()
        time.sleep(0.01)
        assert client.close() in (Outcome.OK, Outcome.ERROR_TIMEOUT)
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive()
        assert seen <= {Outcome.OK, Outcome.QUEUE_FULL, Outcome.CLOSED}
    del client, threads, thread
    gc.collect()
    assert len(freed) == 30


def test_a_client_is_not_freed_during_a_call(hanging_collector: Collector, freed: list[object]) -> None:
    client = Client(**hanging_collector.options(exit_timeout=0))
    client.pacts_verified(1)
    waiting = threading.Thread(target=client.flush, args=(1,))
    waiting.start()
    time.sleep(0.2)
    start = time.monotonic()
    client.close(0)
    assert time.monotonic() - start < 0.5, "flush holds the GIL"
    del client
    gc.collect()
    assert freed == []
    waiting.join()
    del waiting
    gc.collect()
    assert len(freed) == 1


def test_a_collected_client_is_freed_and_its_events_arrive(collector: Collector, freed: list[object]) -> None:
    Client(**collector.options()).pacts_verified(5)
    gc.collect()
    assert len(freed) == 1
    assert collector.values(1) == [5]


def test_two_thousand_clients_are_freed_and_their_events_arrive(collector: Collector, freed: list[object]) -> None:
    for number in range(2000):
        client = Client(**collector.options())
        if number % 100 == 0:
            client.pacts_verified(number)
        if number % 2:
            client.close()
    del client
    assert len(freed) == 2000
    assert collector.values(20) == list(range(0, 2000, 100))


def test_environment_changes_on_one_thread_while_others_track(collector: Collector) -> None:
    script = """
telemetry = client(measurement_id=None, api_secret=None)
stop = False
def track():
    while not stop: telemetry.enabled; telemetry.explain(); telemetry.pacts_verified(1)
threads = [threading.Thread(target=track) for _ in range(2)]
for thread in threads: thread.start()
end, number, junk = time.time() + 2, 0, []
while time.time() < end:
    number += 1
    os.environ[f"X{number}"] = "v"
    junk = (junk + [bytearray(8 * (number + 60))])[-20:]
stop = True
for thread in threads: thread.join()
print("alive")
"""
    assert run(script, collector) == "alive"


EXITS = {
    "the end of the program": ("", 0),
    "sys.exit": ("sys.exit(3)", 3),
    "an exception": ("raise RuntimeError('mine')", 1),
    "a daemon thread still tracks": (
        "threading.Thread(target=lambda: [telemetry.stats() for _ in iter(int, 1)], daemon=True).start()",
        0,
    ),
    "a daemon thread still waits": (
        "threading.Thread(target=telemetry.flush, args=(60,), daemon=True).start()",
        0,
    ),
    "an atexit handler uses it": ("import atexit; atexit.register(lambda: telemetry.stats())", 0),
    "a reference cycle contains it": ("cycle = [telemetry]; cycle.append(cycle); del telemetry", 0),
    "os._exit after close": ("telemetry.close(5); os._exit(4)", 4),
}


@pytest.mark.parametrize("how", EXITS)
def test_at_the_exit_of_the_process_events_are_sent(collector: Collector, how: str) -> None:
    script, code = EXITS[how]
    run(f"telemetry = client()\ntelemetry.pacts_verified(9)\n{script}", collector, code=code)
    assert collector.values(1) == [9]


def test_os_exit_ends_at_once(hanging_collector: Collector) -> None:
    start = time.monotonic()
    run("telemetry = client()\ntelemetry.pacts_verified(9)\nos._exit(7)", hanging_collector, code=7)
    assert time.monotonic() - start < 5


def test_a_hanging_server_delays_the_exit_by_exit_timeout_and_no_more(
    hanging_collector: Collector,
) -> None:
    script = """
telemetry = client(exit_timeout=0.05)
telemetry.pacts_verified(9)
telemetry.flush(0.05)
"""
    start = time.monotonic()
    run(script, hanging_collector)
    assert time.monotonic() - start < 5


def test_an_exception_of_a_signal_handler_or_another_thread_reaches_the_program(collector: Collector) -> None:
    client = Client(**collector.options(), queue_capacity=1)

    class LimitError(Exception):
        pass

    asked = threading.Event()
    raised, wanted = 0, 100

    def call() -> None:
        nonlocal raised
        while raised < wanted:
            try:
                asked.set()
                while True:
                    client.pacts_verified(1)
            except LimitError:
                raised += 1

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
    deadline = time.monotonic() + 60
    while thread.is_alive() and time.monotonic() < deadline:
        if asked.wait(0.01):
            asked.clear()
            raise_in(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(LimitError))
    thread.join(1)
    assert not thread.is_alive(), f"{raised} of {wanted} exceptions arrived"
