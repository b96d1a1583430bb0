"""What a client does with its arguments and options."""

from __future__ import annotations

import ctypes
import math
import os
import sys
import time
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

import pytest

from pact_telemetry import Client, Outcome

if TYPE_CHECKING:
    from conftest import Collector

EVENT = ("Pacts verified", "ProviderTest", "Completed")


@pytest.fixture
def client(collector: Collector) -> Client:
    return Client(**collector.options())


def test_the_four_events_and_another_arrive(client: Client, collector: Collector) -> None:
    with client:
        outcomes = [
            client.consumer_tests_ran(3),
            client.pacts_verified(4),
            client.plugin_loaded("protobuf", "0.5.4"),
            client.mock_server_started(),
            client.track("Käse", "Own", "Eaten", 7, plugin_version="1"),
        ]
    assert outcomes == [Outcome.OK] * 5
    names = ("event", "category", "action", "value", "plugin_name", "plugin_version")
    assert [tuple(event.get(name) for name in names) for event in collector.events(5)] == [
        ("Pact consumer tests ran", "ConsumerTest", "Completed", "3", None, None),
        ("Pacts verified", "ProviderTest", "Completed", "4", None, None),
        ("Plugin loaded", "Plugin", "Loaded", "1", "protobuf", "0.5.4"),
        ("Pact mock server started", "ConsumerTest", "MockServerStarted", "1", None, None),
        ("Käse", "Own", "Eaten", "7", None, "1"),
    ]


def test_identity_is_filled_in_and_can_be_overridden(collector: Collector) -> None:
    Client(**collector.options()).pacts_verified(1)
    mine = collector.options(test_framework="behave", platform_version="MyPython 1", data_source="cli")
    with Client(**mine) as client:
        client.pacts_verified(2)
    by_value = {event["value"]: event for event in collector.events(2)}
    python = "Python {}.{}.{}".format(*sys.version_info)
    assert (by_value["1"]["test_framework"], by_value["1"]["platform_version"]) == ("pytest", python)
    assert (by_value["2"]["test_framework"], by_value["2"]["platform_version"]) == ("behave", "MyPython 1")
    assert by_value["2"]["data_source"] == "cli"
    assert by_value["1"]["library_name"] == "pact-python"


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        (0, "ok"),
        (2**63 - 1, "ok"),
        (-1, "error_range"),
        (2**63, "error_range"),
        (-(2**63) - 1, "error_range"),
        (10**400, "error_range"),
        (True, "invalid"),
        (1.0, "invalid"),
        (math.nan, "invalid"),
        ("1", "invalid"),
        (None, "invalid"),
        (object(), "invalid"),
    ],
)
def test_no_value_raises(client: Client, value: Any, outcome: str) -> None:
    assert client.track(*EVENT, value) == outcome


def with_text(place: int, text: object) -> dict[str, Any]:
    """Valid arguments, except for the text in one place."""
    names = ["event", "category", "action", "plugin_name", "plugin_version"]
    return {**dict.fromkeys(names, "right"), names[place]: text}


class Hostile(str):
    """A text whose methods raise."""

    __slots__ = ()

    def encode(self, *_arguments: Any, **_more: Any) -> bytes:
        raise RuntimeError("no")

    def __hash__(self) -> int:
        raise RuntimeError("no")


@pytest.mark.parametrize("place", range(5))
def test_a_text_whose_methods_raise_does_not_make_a_call_raise(client: Client, place: int) -> None:
    arguments = with_text(place, Hostile("x"))
    assert client.track(**arguments) in ("ok", "invalid")
    assert client.preview(**arguments)


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("Pacts\0verified", "invalid"),
        ("half \ud800 a pair", "error_utf8"),
        ("x" * 501, "error_too_long"),
        (b"bytes", "invalid"),
        (3, "invalid"),
        (["list"], "invalid"),
        (object(), "invalid"),
    ],
)
def test_no_text_raises(client: Client, place: int, text: Any, outcome: str) -> None:
    arguments = with_text(place, text)
    assert client.track(**arguments) == outcome
    preview = client.preview(**arguments)
    assert (preview["outcome"], preview["body"]) == (outcome, None)
    assert outcome in (preview["reason"] or "")


def test_blank_missing_and_forbidden_texts_have_outcomes_of_their_own(client: Client) -> None:
    assert client.track("", "c", "a", 1) is Outcome.ERROR_EMPTY
    assert client.track(cast("str", None), "c", "a", 1) is Outcome.ERROR_NULL
    assert client.track("/home/me/pact.json", "c", "a", 1) is Outcome.ERROR_FORBIDDEN
    assert client.stats()["not_accepted"]["invalid"] == 3


def test_an_answer_longer_than_the_first_buffer_is_complete(collector: Collector) -> None:
    client = Client(**collector.options(**{f"unknown_{number}": 1 for number in range(500)}))
    diagnostics = client.explain()["diagnostics"]
    assert len(str(diagnostics)) > 5000
    assert "unknown_499" in str(diagnostics)


def test_preview_sends_nothing_and_shows_the_request(client: Client, collector: Collector) -> None:
    assert (client.preview(*EVENT, 3)["url"] or "").startswith(collector.url)
    assert client.stats()["accepted"] == 0
    assert client.preview(*EVENT, -1)["outcome"] == "error_range"
    assert client.preview(*EVENT, 2**70)["outcome"] == "error_range"


def test_events_with_remembered_texts_arrive_as_often_as_they_are_tracked(client: Client, collector: Collector) -> None:
    for number in range(300):  # more texts than are remembered
        for _ in range(2):
            assert client.track(f"Event {number}", "c", "a", number) is Outcome.OK
    assert client.close(10) is Outcome.OK
    events = collector.events(600)
    assert sorted((event["event"], event["value"]) for event in events) == sorted(
        (f"Event {number}", str(number)) for number in range(300) for _ in range(2)
    )


def test_a_bool_or_float_that_equals_a_remembered_number_is_invalid(client: Client) -> None:
    assert client.track(*EVENT, 1) is Outcome.OK
    for value in (True, 1.0):
        assert client.track(*EVENT, cast("int", value)) is Outcome.INVALID
    assert client.stats()["accepted"] == 1


def test_a_status_that_only_a_newer_library_knows_counts_the_event_once(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[object, ...]] = []

    def answering_77(*arguments: object) -> int:
        calls.append(arguments)
        return 77

    monkeypatch.setattr(client, "_track", answering_77)
    client.track(*EVENT, 1)
    calls.clear()
    assert client.track(*EVENT, 1) == "unknown"
    assert len(calls) == 1


def test_enabled_can_be_turned_off_and_on(client: Client) -> None:
    assert client.enabled
    client.enabled = False
    assert not client.enabled
    assert client.pacts_verified(1) is Outcome.DISABLED
    client.enabled = True
    assert client.pacts_verified(1) is Outcome.OK


def test_enabled_set_to_a_value_that_is_no_bool_is_off(client: Client) -> None:
    class Doubtful:
        def __bool__(self) -> bool:
            raise RuntimeError("neither")

    client.enabled = cast("bool", Doubtful())
    assert not client.enabled


@pytest.mark.parametrize("name", ["PACT_DO_NOT_TRACK", "pact_do_not_track", "DO_NOT_TRACK"])
def test_a_change_of_os_environ_holds_at_once(client: Client, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.pacts_verified(1) is Outcome.OK
    monkeypatch.setenv(name, "1")
    assert client.pacts_verified(1) is Outcome.DISABLED
    assert client.explain()["rule"] == name
    del os.environ[name]
    assert client.pacts_verified(1) is Outcome.OK


def test_a_change_of_the_environment_that_os_environ_does_not_show_holds_at_once(client: Client) -> None:
    os.putenv("DO_NOT_TRACK", "1")
    assert client.pacts_verified(1) is Outcome.DISABLED
    os.unsetenv("DO_NOT_TRACK")
    assert client.pacts_verified(1) is Outcome.OK


@pytest.mark.skipif(sys.platform == "win32", reason="on Windows putenv copies its argument")
def test_an_opt_out_in_the_memory_of_another_variable_holds_at_once(client: Client) -> None:
    libc = ctypes.CDLL(None)
    entry = ctypes.create_string_buffer(b"AA_NOT_TRACK=1", 32)
    assert libc.putenv(entry) == 0
    try:
        assert client.pacts_verified(1) is Outcome.OK
        entry.value = b"DO_NOT_TRACK=1"
        assert client.pacts_verified(1) is Outcome.DISABLED
        assert client.explain()["rule"] == "DO_NOT_TRACK"
        entry.value = b"AA_NOT_TRACK=1"
        assert client.pacts_verified(1) is Outcome.OK
    finally:
        libc.unsetenv(entry.value.partition(b"=")[0])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "library"),
        ({"library": "pact"}, "library"),
        ({"library": {"id": "a", "name": "b"}}, "version"),
        ({"queue_capacity": "many"}, "queue_capacity"),
        ({"queue_capacity": math.nan}, ""),
        ({"endpoint": "gopher://x"}, "endpoint"),
        ({"enabled": object()}, "options"),
        ({"notice": "never"}, "`notice` must be one of stderr, host, shown"),
        ({"id": 7}, "`id`"),
        ({"test_framework": "half \ud800 a pair"}, ""),
        ({"test_framework": b"bytes"}, ""),
        ({"exit_timeout": math.nan}, "options"),
        ({"exit_timeout": "soon"}, "options"),
        ({"exit_timeout": 11}, "exit_timeout_ms"),
    ],
)
def test_wrong_options_make_a_client_that_does_nothing_and_says_why(
    collector: Collector, options: dict[str, Any], says: str
) -> None:
    client = Client(**(collector.options(**options) if options else {}))
    assert client.unavailable_reason
    assert says in client.unavailable_reason
    assert client.pacts_verified(1) is Outcome.UNAVAILABLE


def test_a_program_that_shows_the_notice_finds_it_and_nothing_leaves_before_it_was_shown(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PACT_TELEMETRY_STATE_DIR", str(tmp_path))
    with Client(**collector.options(notice="host", id="random")) as client:
        explained = client.explain()
        assert explained["id"] == "random"
        assert explained["notice"]["shown_ms"] is None
        assert "PACT_DO_NOT_TRACK" in explained["notice"]["text"]
        assert client.pacts_verified(1) is Outcome.OK
        assert client.flush() is Outcome.KEPT
    assert collector.events(0) == []


def test_an_option_may_be_a_mapping_or_a_path(collector: Collector, tmp_path: Path) -> None:
    library = MappingProxyType({"id": "pact-python", "name": "Pact Python", "version": "1"})
    client = Client(**collector.options(library=library, state_dir=tmp_path))
    assert client.unavailable_reason is None


def test_without_credentials_nothing_is_queued() -> None:
    client = Client(library={"id": "a", "name": "A", "version": "1"})
    assert client.pacts_verified(1) is Outcome.NOT_CONFIGURED
    assert not client.enabled


@pytest.mark.parametrize("timeout", [math.nan, "1", None, object()])
def test_a_timeout_that_is_not_a_number_is_invalid_but_close_still_closes(client: Client, timeout: Any) -> None:
    assert client.flush(timeout) is Outcome.INVALID
    assert client.persist(timeout) is Outcome.INVALID
    assert client.close(timeout) is Outcome.INVALID
    assert client.pacts_verified(1) is Outcome.CLOSED


@pytest.mark.parametrize("timeout", [0, -1, 0.0001, 10**400, math.inf, 3, timedelta(0), timedelta(seconds=2)])
def test_any_number_and_any_timedelta_is_a_timeout(client: Client, timeout: float | timedelta) -> None:
    assert client.flush(timeout) is Outcome.OK
    assert client.persist(timeout) is Outcome.OK
    assert client.close(timeout) is Outcome.OK


@pytest.mark.parametrize(
    ("time", "milliseconds"), [(0, 0), (0.0001, 1), (1.5, 1500), (timedelta(milliseconds=70), 70), (10, 10000)]
)
def test_exit_timeout_is_in_seconds_or_a_timedelta(
    collector: Collector, time: float | timedelta, milliseconds: int
) -> None:
    assert Client(**collector.options(exit_timeout=time)).explain()["exit_timeout_ms"] == milliseconds


def test_persist_puts_the_event_on_disk_while_the_server_hangs(hanging_collector: Collector, state: Path) -> None:
    client = Client(**hanging_collector.options(exit_timeout=0))
    assert client.persist() is Outcome.OK  # nothing waits
    client.pacts_verified(1)
    assert client.persist(10) is Outcome.KEPT
    assert list(state.joinpath("spool").rglob("*"))


def test_a_flush_to_a_hanging_server_takes_its_timeout_and_no_more(hanging_collector: Collector) -> None:
    client = Client(**hanging_collector.options(exit_timeout=0))
    client.pacts_verified(1)
    start = time.monotonic()
    assert client.flush(0.2) is Outcome.ERROR_TIMEOUT
    assert 0.19 < time.monotonic() - start < 2
    assert client.close(0) is Outcome.ERROR_TIMEOUT


def test_outcomes_are_text_and_say_whether_they_are_errors() -> None:
    assert f"{Outcome.QUEUE_FULL}" == "queue_full"
    assert {outcome for outcome in Outcome if outcome.is_error} == {
        Outcome.INVALID,
        *(outcome for outcome in Outcome if outcome.name.startswith("ERROR_")),
    }


def test_a_status_of_a_newer_library_has_its_name(client: Client) -> None:
    assert client._outcome(77) == "unknown"
    assert not client._outcome(77).is_error
    assert client._outcome(-77) == "error_unknown"
    assert client._outcome(-77).is_error
