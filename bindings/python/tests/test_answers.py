"""`explain`, `stats` and `preview` return every key of their types, in every state."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from conftest import HERE, run

from pact_telemetry import Client, Outcome, types

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Collector

TYPES = {"explain": types.Explanation, "stats": types.Stats, "preview": types.Preview}
EVENT = ("Pacts verified", "ProviderTest", "Completed", 3)


def opted_out(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setenv("DO_NOT_TRACK", "1")
    return Client(**collector.options())


def turned_off_later(collector: Collector, _: pytest.MonkeyPatch) -> Client:
    client = Client(**collector.options())
    client.enabled = False
    return client


def closed(collector: Collector, _: pytest.MonkeyPatch) -> Client:
    client = Client(**collector.options())
    client.close()
    return client


def without_library(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setenv("PACT_TELEMETRY_LIBRARY", "/none")
    return Client(**collector.options())


def closed_without_library(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> Client:
    client = without_library(collector, monkeypatch)
    assert client.close() is Outcome.OK
    return client


STATES: dict[str, Callable[[Collector, pytest.MonkeyPatch], Client]] = {
    "enabled": lambda collector, _: Client(**collector.options()),
    "turned off": lambda collector, _: Client(**collector.options(enabled=False)),
    "turned off later": turned_off_later,
    "opted out": opted_out,
    "not configured": lambda _collector, _: Client(library={"id": "a", "name": "A", "version": "1"}),
    "closed": closed,
    "no library": without_library,
    "no library, and closed": closed_without_library,
    "wrong options": lambda collector, _: Client(**collector.options(queue_capacity=-1)),
}
UNAVAILABLE = ("no library", "no library, and closed", "wrong options")


@pytest.mark.parametrize("state", STATES)
def test_every_key_is_there_with_its_type(state: str, collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    client = STATES[state](collector, monkeypatch)
    answers = {"explain": client.explain(), "stats": client.stats(), "preview": client.preview(*EVENT)}
    for method, answer in answers.items():
        check(answer, TYPES[method], method)
        assert (answer["outcome"] == "unavailable") is (state in UNAVAILABLE)
        assert (answer["reason"] is None) is (state not in UNAVAILABLE)
    assert repr(client)


@pytest.mark.parametrize("state", STATES)
def test_every_reason_is_counted(state: str, collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    working = Client(**collector.options()).stats()
    stats = STATES[state](collector, monkeypatch).stats()
    assert stats["dropped"].keys() == working["dropped"].keys()
    assert stats["not_accepted"].keys() == working["not_accepted"].keys()
    assert set(stats["dropped"].values()) == {0}


@pytest.mark.parametrize("value", [-1, 2**80, True, "1"])
def test_a_preview_that_is_refused_has_every_key(collector: Collector, value: Any) -> None:
    preview = Client(**collector.options()).preview(*EVENT[:3], value)
    check(preview, types.Preview, "preview")
    assert preview["outcome"] in ("error_range", "invalid")
    assert preview["reason"]


def test_changing_an_answer_does_not_change_later_answers() -> None:
    client = Client()  # type: ignore[call-arg]
    client.explain()["rules"].append({"rule": "mine"})
    client.stats()["dropped"]["mine"] = 1
    assert client.explain()["rules"] == []
    assert "mine" not in client.stats()["dropped"]


def check(value: object, expected: Any, where: str) -> None:
    """Fail unless the value is of the type. A TypedDict must have exactly its keys."""
    origin, arguments = get_origin(expected), get_args(expected)
    if isinstance(expected, type) and hasattr(expected, "__required_keys__"):
        assert isinstance(value, dict), where
        assert expected.__required_keys__ <= value.keys() <= get_type_hints(expected).keys(), where
        for key, hint in get_type_hints(expected).items():
            if key in value:
                check(value[key], hint, f"{where}.{key}")
    elif origin is Literal:
        assert value in arguments, where
    elif origin is Union or type(expected).__name__ == "UnionType":
        assert any(fits(value, one) for one in arguments), f"{where} is {value!r}"
    elif origin is list:
        assert isinstance(value, list), where
        for one in value:
            check(one, arguments[0], where)
    elif origin is dict:
        assert isinstance(value, dict), where
        for one in value.values():
            check(one, arguments[1], where)
    elif expected is not object:
        assert type(value) is expected, f"{where} is {value!r}"


def fits(value: object, expected: Any) -> bool:
    try:
        check(value, expected, "")
    except AssertionError:
        return False
    return True


def test_every_outcome_has_its_text_in_the_types() -> None:
    assert {outcome.value for outcome in Outcome} == set(get_args(types.Name))


def test_every_key_of_the_config_is_an_option() -> None:
    documented = (types.Options.__required_keys__ | types.Options.__optional_keys__) - {"exit_timeout"}
    page = (HERE.parents[1] / "docs/config.md").read_text()
    rows = page.split("|---|---|---|---|\n")[1].split("\n\n")[0]
    keys = set(re.findall(r"`([a-z_.]+)`", " ".join(row.split("|")[1] for row in rows.splitlines())))
    assert {key.split(".")[0] for key in keys} - {"exit_timeout_ms"} == documented


def test_the_types_are_exported_and_imported_only_when_used() -> None:
    script = """
import pact_telemetry
assert "pact_telemetry.types" not in sys.modules and "typing" not in sys.modules, "imported too early"
assert {name: getattr(pact_telemetry, name) for name in pact_telemetry.__all__}
print(pact_telemetry.Library.__name__, hasattr(pact_telemetry, "Nonsense"))
"""
    assert run(script, prelude="import sys\n") == "Library False"


def test_importing_imports_little_more_than_json_and_ctypes() -> None:
    script = """
import ctypes, json
before = set(sys.modules)
import pact_telemetry
ours = {name for name in sys.modules if name.partition(".")[0] == "pact_telemetry"}
print(*sorted(set(sys.modules) - before - ours))
"""
    # These modules cost a tenth of what pathlib, platform or typing would cost.
    assert set(run(script, prelude="import sys\n").split()) <= {
        "__future__",
        "_weakrefset",
        "collections.abc",
        "weakref",
    }
