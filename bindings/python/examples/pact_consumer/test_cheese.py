"""A consumer's tests, against Pact's own mock server."""

import json
import urllib.error
import urllib.request

import pytest
from pact import Pact


@pytest.mark.parametrize("name", ["brie", "comte"])
def test_a_cheese_is_found(pact: Pact, name: str) -> None:
    """The store has this cheese."""
    (
        pact.upon_receiving(f"a request for {name}")
        .with_request("GET", f"/cheeses/{name}")
        .will_respond_with(200)
        .with_body({"name": name}, content_type="application/json")
    )
    with pact.serve() as server, urllib.request.urlopen(f"{server.url}/cheeses/{name}") as answer:
        assert json.load(answer) == {"name": name}


def test_a_cheese_is_missing(pact: Pact) -> None:
    """The store does not have this cheese."""
    pact.upon_receiving("a request for gouda").with_request("GET", "/cheeses/gouda").will_respond_with(404)
    with pact.serve() as server, pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{server.url}/cheeses/gouda")
