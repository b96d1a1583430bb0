"""What a type checker must accept: uses that the README and the docstrings describe."""

from datetime import timedelta
from pathlib import Path

from pact_telemetry import Client, Explanation, Library, Options, Outcome, Preview, Stats, constants

LIBRARY: Library = {"id": "a", "name": "b", "version": "c"}
OPTIONS: Options = {"library": LIBRARY, "exit_timeout": 0.5, "state_dir": Path("/tmp")}

client = Client(
    library=LIBRARY,
    data_source=constants.DATA_SOURCE_CLI,
    test_framework=None,
    exit_timeout=timedelta(milliseconds=50),
    notice="host",
    id="random",
)
outcome: Outcome = client.track("e", "c", "a")
if outcome is Outcome.OK:
    print(outcome.is_error)
client.flush(1)
client.flush(timedelta(seconds=1))
client.persist(0.5)
explanation: Explanation = client.explain()
reason: str | None = explanation["reason"]
if explanation["outcome"] == "unavailable":
    print(explanation["notice"]["text"])
stats: Stats = client.stats()
accepted: int = stats["accepted"]
preview: Preview = client.preview(constants.EVENT_PACTS_VERIFIED, "c", "a", 3, plugin_name=None)
body: str | None = preview["body"]
with Client(**OPTIONS) as telemetry:
    telemetry.pacts_verified(3)
