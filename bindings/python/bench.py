"""What one `track` costs, and what of it is the binding's own. Not a test: run it on a quiet machine.

PACT_TELEMETRY_COMMAND names the collector, PACT_TELEMETRY_LIBRARY the library, as for `check`.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
from pathlib import Path
from time import perf_counter_ns
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[2]
os.environ.setdefault("PACT_TELEMETRY_LIBRARY", str(ROOT / "build/lib/libpact_telemetry.so"))
COMMAND = os.environ.get("PACT_TELEMETRY_COMMAND", str(ROOT / "target/debug/pact-telemetry"))

from pact_telemetry import Client, Outcome, constants  # noqa: E402
from pact_telemetry._library import load  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

BURST = 1000
ROUNDS = 60
EVENT = (constants.EVENT_PACTS_VERIFIED, constants.CATEGORY_PROVIDER_TEST, constants.ACTION_COMPLETED)


def burst(call: Callable[[], object]) -> float:
    """Return the mean nanoseconds of a call, over one burst."""
    start = perf_counter_ns()
    for _ in range(BURST):
        call()
    return (perf_counter_ns() - start) / BURST


def main() -> None:
    """Print three medians."""
    collector = subprocess.Popen([COMMAND, "collect"], stdout=subprocess.PIPE, text=True)
    assert collector.stdout is not None
    url = json.loads(collector.stdout.readline())["url"]
    # Nobody reads on: the events go to a pipe that must not fill, so the rest goes nowhere.
    drain = subprocess.Popen(["cat"], stdin=collector.stdout, stdout=subprocess.DEVNULL)
    bare_track = load().pact_telemetry_track
    texts = [text.encode() for text in EVENT]
    accepted, bare = [], []
    client = Client(
        library={"id": "bench", "name": "Bench", "version": "1"},
        endpoint=url,
        measurement_id="G-1",
        api_secret="s",
    )
    for _ in range(ROUNDS):
        accepted.append(burst(lambda: client.track(*EVENT, 3)))
        bare.append(burst(lambda: bare_track(None, texts[0], texts[1], texts[2], 3, None, None)))
        assert client.flush(10) is Outcome.OK
    assert client.stats()["accepted"] == BURST * ROUNDS
    client.close()
    collector.terminate()
    drain.wait()
    track, call = statistics.median(accepted), statistics.median(bare)
    print(f"track, accepted                        {track:8.0f} ns")
    print(f"a bare foreign call, the same strings  {call:8.0f} ns")
    print(f"difference                             {track - call:8.0f} ns")


if __name__ == "__main__":
    main()
