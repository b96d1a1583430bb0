"""The names of the events of the Pact libraries, as in pact_telemetry.constants.json. Others may be reported too."""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` itself costs a third of the import
if TYPE_CHECKING:
    from typing import Final

EVENT_PACT_CONSUMER_TESTS_RAN: Final = "Pact consumer tests ran"
EVENT_PACTS_VERIFIED: Final = "Pacts verified"
EVENT_PLUGIN_LOADED: Final = "Plugin loaded"
EVENT_PACT_MOCK_SERVER_STARTED: Final = "Pact mock server started"
CATEGORY_CONSUMER_TEST: Final = "ConsumerTest"
CATEGORY_PROVIDER_TEST: Final = "ProviderTest"
CATEGORY_PLUGIN: Final = "Plugin"
ACTION_COMPLETED: Final = "Completed"
ACTION_LOADED: Final = "Loaded"
ACTION_MOCK_SERVER_STARTED: Final = "MockServerStarted"
DATA_SOURCE_CLI: Final = "cli"
DATA_SOURCE_CLIENT: Final = "client"
DATA_SOURCE_BROKER: Final = "broker"
