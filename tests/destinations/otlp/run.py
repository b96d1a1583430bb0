"""Sends events to a real OpenTelemetry Collector and compares the records in its file with what was tracked.

run.py COLLECTOR
"""

import json
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from harness import PATIENCE, ROOT, Library, Process

OTELCOL = sys.argv[1]
EVENTS = [
    ("Pact consumer tests ran", "ConsumerTest", "Completed", 4),
    ("Pacts verified", "ProviderTest", "Completed", 0),
    ("Plugin loaded", "Plugin", "Loaded", 1, 'protobuf – ü "x"', "0.3.15"),
    ("Größe", "Other", "Done", 2**63 - 1),
]
MANY = 700  # more than one request takes


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def configurations():
    """Those of the page, by the comment that each begins with."""
    page = (ROOT / "docs/opentelemetry.md").read_text()
    found = dict(re.findall(r"```yaml\n# (.*?)\n(.*?)```", page, re.DOTALL))
    assert list(found) == ["one collector, one file", "at the edge: OTLP to Kafka", "at the store: Kafka to ClickHouse"]
    return found


def validate(folder):
    for name, text in configurations().items():
        path = folder / "documented.yaml"
        path.write_text(text)
        checked = subprocess.run([OTELCOL, "validate", "--config", path], capture_output=True, text=True)
        assert checked.returncode == 0, f"{name}: {checked.stderr}"
        path.write_text(text.replace("endpoint:", "endpont:").replace("brokers:", "broker:"))
        wrong = subprocess.run([OTELCOL, "validate", "--config", path], capture_output=True, text=True)
        assert wrong.returncode != 0, f"{name}: the validator would find a wrong key"
        print(f'ok: the collector takes the configuration "{name}"')


def started(folder, port):
    text = configurations()["one collector, one file"]
    assert "0.0.0.0:4318" in text and "/var/lib/otelcol/pact.json" in text
    text = text.replace("0.0.0.0:4318", f"127.0.0.1:{port}")
    text = text.replace("/var/lib/otelcol/pact.json", str(folder / "pact.json"))
    path = folder / "collector.json"
    path.write_text(text + "  telemetry:\n    metrics:\n      level: none\n")
    process = Process([OTELCOL, "--config", path], stream="stderr")
    for _ in range(1000):
        if "Everything is ready" in process.line():
            return process
    raise AssertionError("the collector does not start")


def plain(value):
    [(kind, inner)] = value.items()
    return int(inner) if kind == "intValue" else inner


def attributes(of):
    return {one["key"]: plain(one["value"]) for one in of.get("attributes", [])}


def records(path):
    """The records in the collector's file, in their order, each with the attributes of its resource."""
    found = []
    for line in path.read_text().splitlines() if path.exists() else []:
        for logs in json.loads(line)["resourceLogs"]:
            resource = attributes(logs["resource"])
            for scope in logs["scopeLogs"]:
                assert scope["scope"] == {"name": "pact_telemetry"}, scope["scope"]
                found += [(resource, attributes(record), record) for record in scope["logRecords"]]
    return found


def arrived(path, count):
    """Waits for so many records."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = records(path)
        if len(found) >= count:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{len(records(path))} of {count} records arrived")


def the_records_are_the_events(client, path, since):
    found = arrived(path, len(EVENTS))
    assert len(found) == len(EVENTS)
    for event, (resource, own, record) in zip(EVENTS, found):
        text, category, action, value, plugin_name, plugin_version = (*event, None, None)[:6]
        name = "pact." + re.sub("[^a-z0-9]+", "_", text.lower())
        expected = {
            "pact.event": text,
            "pact.category": category,
            "pact.action": action,
            "pact.value": value,
            "pact.plugin_name": plugin_name,
            "pact.plugin_version": plugin_version,
        }
        assert own == {key: text for key, text in expected.items() if text is not None}, own
        assert record["eventName"] == name and plain(record["body"]) == text, record
        assert record["severityNumber"] == 9
        assert since - 0.1 <= int(record["timeUnixNano"]) / 1e9 <= time.time(), record["timeUnixNano"]
        identity = {key: resource[key] for key in ("service.name", "service.version", "pact.library_title")}
        assert identity == {"service.name": "pact-test", "service.version": "1.2.3", "pact.library_title": "Pact Test"}
        assert resource["pact.test_framework"] == "JUnit" and resource["os.type"] and resource["host.arch"]
    print(f"ok: {len(found)} records in the collector's file are the events")


def hundreds_arrive_once(client, path):
    before = len(records(path))
    for number in range(MANY):
        assert client.track("Flood", "Other", "Done", number) == 0
    assert client.flush() == 0
    found = arrived(path, before + MANY)[before:]
    assert sorted(own["pact.value"] for _, own, _ in found) == list(range(MANY)), "each once"
    stats = client.stats()
    assert stats["delivered"] == stats["accepted"] == MANY + len(EVENTS), stats
    print(f"ok: {MANY} events arrive, each once")


def main():
    library = Library()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        validate(folder)
        port = free_port()
        with started(folder, port):
            client = library.client(protocol="otlp", endpoint=f"http://127.0.0.1:{port}", test_framework="JUnit")
            since = time.time()
            for event in EVENTS:
                assert client.track(*event) == 0
            assert client.flush() == 0, client.stats()
            the_records_are_the_events(client, folder / "pact.json", since)
            hundreds_arrive_once(client, folder / "pact.json")
            assert client.close() == 0


main()
