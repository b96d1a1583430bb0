"""The replayer answers each case in the agreed form."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from conftest import HERE


def replay(*cases: dict[str, Any]) -> list[dict[str, Any]]:
    lines = "".join(json.dumps(case) + "\n" for case in cases)
    done = subprocess.run(
        [sys.executable, HERE / "conformance.py"], input=lines, capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


CONFIG = '{"library": {"id": "a", "name": "A", "version": "1"}, "measurement_id": "G-1", "api_secret": "s"}'
TRACK = {"call": "track", "event": "e", "category": "c", "action": "a", "value": 1}


def test_calls_are_answered_in_order() -> None:
    (answer,) = replay(
        {
            "name": "one",
            "config": CONFIG,
            "calls": [
                {"call": "abi_version"},
                {"call": "status_name", "status": 0},
                {"call": "setenv", "name": "DO_NOT_TRACK", "value": "1"},
                TRACK,
                {"call": "is_enabled"},
                {"call": "setenv", "name": "DO_NOT_TRACK", "value": None},
                {"call": "is_enabled"},
                {**TRACK, "event": {"hex": "c328"}},
                {**TRACK, "event": None},
                {**TRACK, "call": "preview", "event": ""},
                {"call": "explain", "capacity": 11},
                {"call": "explain", "capacity": 0},
                {"call": "levitate"},
                {"call": "set_enabled", "enabled": 0},
                {"call": "flush", "timeout_ms": 0},
                {"call": "close"},
            ],
        }
    )
    assert answer == {
        "name": "one",
        "new": None,
        "results": [
            *(1, "PACT_TELEMETRY_OK", 0, 1, 0, 0, 1, -2, -1, -3),
            *(
                '{"ci":true',
                "",
                "unsupported",
                0,
                0,
                0,
            ),
        ],
    }


def test_without_a_client_the_calls_are_still_made() -> None:
    wrong, absent = replay({"name": "wrong", "config": "{", "calls": [TRACK]}, {"name": "absent", "config": None})
    assert wrong["new"]
    assert wrong["results"] == [-1]
    assert absent["new"]
    assert absent["results"] == []
