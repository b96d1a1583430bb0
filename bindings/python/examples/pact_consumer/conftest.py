"""Reports the run of the consumer's tests once, when it ends, as a Pact library for pytest would do."""

import os
from collections.abc import Iterator

import pytest
from pact import Pact

from pact_telemetry import Client


@pytest.fixture(scope="session")
def interactions() -> Iterator[list[object]]:
    """Collect the interactions of all tests, and report how many there were."""
    seen: list[object] = []
    with Client(library={"id": "pact-python", "name": "Pact Python", "version": "4.0.0"}) as telemetry:
        yield seen
        telemetry.consumer_tests_ran(len(seen))


@pytest.fixture
def pact(interactions: list[object]) -> Iterator[Pact]:
    """Make a pact for one test; all are written into one file."""
    pact = Pact("cheese-shop", "cheese-store").with_specification("V4")
    yield pact
    interactions.extend(pact.interactions("All"))
    pact.write_file(os.environ.get("PACT_FOLDER", "pacts"))
