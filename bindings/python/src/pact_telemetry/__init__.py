"""Anonymous usage events of the Pact libraries.

    from pact_telemetry import Client

    with Client(library={"id": "my-pact", "name": "My Pact", "version": "1.0.0"}) as telemetry:
        telemetry.pacts_verified(3)

No method raises, and only `flush`, `persist` and `close` wait.
"""

from __future__ import annotations

from . import constants
from ._client import Client
from .outcome import Outcome

TYPE_CHECKING = False  # `typing` itself costs a third of the import
if TYPE_CHECKING:
    from .types import Explanation, LeftByOthers, Library, Notice, Options, Preview, Rule, Stats

__all__ = [
    "Client",
    "Explanation",
    "LeftByOthers",
    "Library",
    "Notice",
    "Options",
    "Outcome",
    "Preview",
    "Rule",
    "Stats",
    "constants",
]


def __getattr__(name: str) -> object:
    """Import the types only when one of them is used: they are for annotations, and few programs need them."""
    if name in __all__:
        from . import types

        return getattr(types, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
