"""What a type checker must refuse: every line with the comment `wrong`, and no other."""

from pact_telemetry import Client, Library, Outcome

LIBRARY: Library = {"id": "a", "name": "b", "version": "c"}

Client()  # wrong: library is required
Client(LIBRARY)  # wrong: by name only
Client(libary=LIBRARY)  # wrong: misspelt
Client(library={"id": "a"})  # wrong: incomplete
Client(library={"id": "a", "name": "b", "version": 3})  # wrong
Client(library=LIBRARY, protocol="ga5")  # wrong
Client(library=LIBRARY, data_source="nonsense")  # wrong
Client(library=LIBRARY, notice="never")  # wrong
Client(library=LIBRARY, id="mac")  # wrong
Client(library=LIBRARY, exit_timeout="soon")  # wrong
Client(library=LIBRARY, exit_timeout_ms=100)  # wrong: in seconds

client = Client(library=LIBRARY)
client.track("e", "c")  # wrong: an action is required
client.track("e", "c", "a", "1")  # wrong
client.flush("1")  # wrong
client.flush(timeout_ms=1)  # wrong
client.pacts_verified()  # wrong
client.enabled = "no"  # wrong
outcome = client.track("e", "c", "a")
if outcome is Outcome.OKAY:  # wrong: misspelt
    pass
text: int = outcome  # wrong
explanation = client.explain()
print(explanation["reson"])  # wrong: misspelt
print(client.stats()["acepted"])  # wrong: misspelt
print(client.preview("e", "c", "a")["text"])  # wrong
number: int = explanation["rule"]  # wrong
