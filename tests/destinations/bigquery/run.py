"""Runs every query of docs/google-analytics.md and compares its result with what was sent.

The events are requests of the library's own encoder. The collector writes them as rows of the export. Machines, days
and systems are put into the requests here, since this machine has one of each.
"""

import collections
import datetime
import json
import re
import sys
import tempfile
import urllib.request
from pathlib import Path

import duckdb
import sqlglot

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from harness import ROOT, Collector, Library

FIRST_DAY = datetime.date(2026, 1, 1)  # a Thursday: the week began in the year before
# machine, os_arch, library, version, test framework, days on which it ran, event, value, plugin
RUNS = [
    ("1.1", "linux-x86_64", "pact-js", "16.0.0", "Jest", (0, 1, 20), "Pact consumer tests ran", 4, None),
    ("1.1", "linux-x86_64", "pact-js", "16.0.0", "Jest", (0,), "Pacts verified", 3, None),
    ("2.2", "linux-x86_64", "pact-js", "16.1.0", "Mocha", (5, 6), "Pacts verified", 1, None),
    ("3.3", "macos-aarch64", "pact-js", "16.0.0", "Jest", (14,), "Pacts verified", 7, None),
    ("4.4", "windows-x86_64", "pact-jvm", "4.7.0", "JUnit", (2, 3, 15), "Pact mock server started", 1, None),
    ("4.4", "windows-x86_64", "pact-jvm", "4.7.0", "JUnit", (3,), "Plugin loaded", 1, ("protobuf", "0.3.15")),
    ("5.5", "linux-aarch64", "pact-ruby", "2.0.0", "", (13,), "Pacts verified", 0, None),
    ("6.6", "linux-x86_64", "pact-jvm", "4.6.0", "JUnit", (0,), "Plugin loaded", 1, ("protobuf", "0.3.15")),
    ("6.6", "linux-x86_64", "pact-jvm", "4.6.0", "JUnit", (0,), "Plugin loaded", 1, ("csv", "0.0.6")),
    # A second system of one machine: containers may have its hostname.
    ("6.6", "linux-aarch64", "pact-jvm", "4.10.0", "JUnit", (0, 0), "Pacts verified", 1, None),
]
# Events of another source in the same property carry none of the fields.
FOREIGN = ("7.7", "page_view")

Sent = collections.namedtuple("Sent", "machine os library version framework day event value plugin")


def post(url, body):
    urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"}))


def send(collector, library):
    """Sends all events, and returns what was sent."""
    machine, event = FOREIGN
    post(f"{collector.url}/mp/collect", {"client_id": machine, "events": [{"name": event}]})
    collector.next()
    sent = []
    for machine, os_arch, name, version, framework, days, event, value, plugin in RUNS:
        client = library.client(
            library={"id": name, "name": name.title(), "version": version},
            test_framework=framework,
            endpoint=collector.url,
            measurement_id="G-1",
            api_secret="s",
        )
        request = client.preview(event, "Category", "Action", value, *(plugin or ()))
        for day in days:
            body = json.loads(request["body"])
            day = FIRST_DAY + datetime.timedelta(days=day)
            moment = datetime.datetime.combine(day, datetime.time(23, 59, 59), datetime.timezone.utc)
            body["client_id"] = machine
            body["events"][0]["params"]["os_arch"] = os_arch
            body["events"][0]["timestamp_micros"] = int(moment.timestamp()) * 1_000_000
            post(request["url"], body)
            sent.append(Sent(machine, os_arch, name, version, framework or None, day, event, value, plugin))
        client.close()
    for _ in sent:
        collector.next()
    return sent


def groups(sent, key):
    found = collections.defaultdict(list)
    for event in sent:
        found[key(event)].append(event)
    return found


def machines(events):
    return len({event.machine for event in events})


def slug(text):
    return re.sub("[^a-z0-9]+", "_", text.lower())


def by_version_and_week(sent):
    week = lambda day: day - datetime.timedelta(days=day.weekday())  # noqa: E731
    found = groups(sent, lambda event: (week(event.day), event.library, event.version))
    return sorted((*key, machines(events), len(events)) for key, events in found.items())


def by_system(sent):
    found = groups(sent, lambda event: event.os)
    rows = [(os, machines(events), round(100 * machines(events) / machines(sent), 1)) for os, events in found.items()]
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def by_framework(sent):
    found = groups(sent, lambda event: (event.library, event.framework or "(none)"))
    rows = [(*key, machines(events)) for key, events in found.items()]
    return sorted(rows, key=lambda row: (row[0], -row[2], row[1]))


def still_in_use(sent):
    rows = []
    for key, events in groups(sent, lambda event: (event.library, event.version)).items():
        first = min(event.day for event in events)
        late = [event for event in events if (event.day - first).days >= 14]
        if late:
            rows.append((*key, first, max(event.day for event in late), machines(late)))
    return sorted(rows)


def by_event(sent):
    found = groups(sent, lambda event: slug(event.event))
    rows = [(name, machines(all), len(all), sum(event.value for event in all)) for name, all in found.items()]
    rows.append((FOREIGN[1], 1, 1, None))
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def by_plugin(sent):
    found = groups([event for event in sent if event.plugin], lambda event: event.plugin)
    rows = [(*plugin, machines(events)) for plugin, events in found.items()]
    return sorted(rows, key=lambda row: (-row[2], row[0], row[1]))


TRUTH = {
    "libraries by version and week": by_version_and_week,
    "share of each operating system": by_system,
    "test frameworks by library": by_framework,
    "versions still in use after N days": still_in_use,
    "machines and not events": by_event,
    "plugins by version": by_plugin,
}


def queries():
    """The queries of the page, by the comment that each begins with."""
    page = (ROOT / "docs/google-analytics.md").read_text()
    blocks = re.findall(r"```sql\n-- (.*?)\n(.*?)```", page, re.DOTALL)
    assert [name for name, _ in blocks] == list(TRUTH), "each query of the page has its truth here"
    return blocks


def translated(query):
    """The same for DuckDB, with the rows as one table."""
    query, count = re.subn(r"`[^`]*\.events_\*`", "events", query)
    assert count, "a query asks the tables of the export"
    (statement,) = sqlglot.transpile(query, read="bigquery", write="duckdb")
    return statement


def main():
    library = Library()
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.json"
        with Collector("--export", rows) as collector:
            sent = send(collector, library)
        database = duckdb.connect()
        database.execute(f"CREATE TABLE events AS SELECT * FROM read_json_auto('{rows}', sample_size=-1)")
        count = database.execute("SELECT COUNT(*) FROM events").fetchone()[0]
        assert count == len(sent) + 1, f"{count} rows of {len(sent)} events and one of another source"
        ours = "SELECT DISTINCT device.operating_system FROM events WHERE event_name <> ?"
        systems = database.execute(ours, [FOREIGN[1]]).fetchall()
        assert systems == [("Linux",)], f"the field of the built-in report: {systems}"
        failed = 0
        for name, query in queries():
            expected = TRUTH[name](sent)
            assert expected, f"{name}: there is something to find"
            found = [
                tuple(value.date() if isinstance(value, datetime.datetime) else value for value in row)
                for row in database.execute(translated(query)).fetchall()
            ]
            if found == expected:
                print(f"ok: {name}: {len(found)} rows")
            else:
                failed += 1
                print(f"FAILED: {name}\n  expected {expected}\n  found    {found}")
    sys.exit(1 if failed else 0)


main()
