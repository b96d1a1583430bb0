"""Anonymous usage events of the Pact libraries.

    from pact_telemetry import Client

    with Client(library={"id": "my-pact", "name": "My Pact", "version": "1.0.0"}) as telemetry:
        telemetry.pacts_verified(3)

Nothing here raises, and nothing waits but `flush` and `close`.
"""

from . import constants
from ._client import Client, Library
from .outcome import Outcome

__all__ = ["Client", "Library", "Outcome", "constants"]
