"""Measures what one `track` costs, how much of that is the binding's own work, and what the import costs. Not a test.

Run it on a quiet machine. The bare foreign call is `pact_telemetry_track` as ctypes makes it with declared types.

PACT_TELEMETRY_COMMAND names the command, PACT_TELEMETRY_LIBRARY the library, as for `check`.
"""

from __future__ import annotations

import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter_ns
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[2]
os.environ.setdefault("PACT_TELEMETRY_LIBRARY", str(ROOT / "build/lib/libpact_telemetry.so"))
COMMAND = os.environ.get("PACT_TELEMETRY_COMMAND", str(ROOT / "target/debug/pact-telemetry"))

from pact_telemetry import Client, Outcome  # noqa: E402
from pact_telemetry._library import load  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    from pact_telemetry import Library

BURST = 1000
ROUNDS = 60
IMPORTS = 20


def burst(call: Callable[[], object]) -> float:
    """Return the mean nanoseconds of a call, over one burst."""
    start = perf_counter_ns()
    for _ in range(BURST):
        call()
    return (perf_counter_ns() - start) / BURST


def import_costs() -> dict[str, float]:
    """Return the least milliseconds, over some processes, that each module adds to the import of those before it."""
    command = [sys.executable, "-X", "importtime", "-c", "import json, ctypes, pact_telemetry"]
    least: dict[str, float] = {}
    # With this variable set, Python would compile everything again in each process.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryDirectory() as cache:
        for _ in range(IMPORTS):
            told = subprocess.run(
                command, env={**environment, "PYTHONPYCACHEPREFIX": cache}, capture_output=True, text=True, check=True
            ).stderr
            for total, name in re.findall(r"\| +(\d+) \| (json|ctypes|pact_telemetry)$", told, re.M):
                least[name] = min(int(total) / 1000, least.get(name, math.inf))
    return least


def main() -> None:
    """Print the medians."""
    collector = subprocess.Popen([COMMAND, "collect"], stdout=subprocess.PIPE, text=True)
    assert collector.stdout is not None
    url = json.loads(collector.stdout.readline())["url"]
    # The collector would stop answering if the pipe with its output were full, so another process empties it.
    drain = subprocess.Popen(["cat"], stdin=collector.stdout, stdout=subprocess.DEVNULL)
    bare = load().pact_telemetry_track
    event, category, action = (text.encode() for text in ("Pacts verified", "ProviderTest", "Completed"))
    library: Library = {"id": "bench", "name": "Bench", "version": "1"}
    client = Client(library=library, endpoint=url, measurement_id="G-1", api_secret="s")
    off = Client(library=library, endpoint=url, measurement_id="G-1", api_secret="s", enabled=False)
    handle = client._handle
    assert handle is not None
    calls: dict[str, Callable[[], object]] = {
        "track": lambda: client.track("Pacts verified", "ProviderTest", "Completed", 3),
        "bare": lambda: bare(handle, event, category, action, 3, None, None),
        "off": lambda: off.track("Pacts verified", "ProviderTest", "Completed", 3),
        "nothing": lambda: bare(None, event, category, action, 3, None, None),
    }
    costs: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            costs[name].append(burst(call))
        assert client.flush(10) is Outcome.OK
    assert client.stats()["accepted"] == 2 * BURST * ROUNDS
    client.close()
    collector.terminate()
    drain.wait()
    track, accepted, turned_off, nothing = (statistics.median(costs[name]) for name in calls)
    imports = import_costs()
    print(f"track, accepted                                  {track:8.0f} ns")
    print(f"a bare foreign call, accepted, the same strings  {accepted:8.0f} ns")
    print(f"difference                                       {track - accepted:8.0f} ns")
    print(f"track, turned off                                {turned_off:8.0f} ns")
    print(f"a bare foreign call that does nothing            {nothing:8.0f} ns")
    print(f"ratio                                            {turned_off / nothing:8.2f}")
    print(f"import, after json and ctypes                    {imports['pact_telemetry']:8.1f} ms")
    print(f"import of json, and of ctypes                    {imports['json']:8.1f} ms {imports['ctypes']:.1f} ms")


if __name__ == "__main__":
    main()
