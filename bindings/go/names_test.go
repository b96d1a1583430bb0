package telemetry

import (
	"encoding/json"
	"maps"
	"os"
	"testing"
)

func TestTheNamesAreTheLibrarys(t *testing.T) {
	text, err := os.ReadFile("../../include/pact_telemetry.constants.json")
	if err != nil {
		t.Skip("the names are only in the library's own source tree")
	}
	var names map[string]string
	if err := json.Unmarshal(text, &names); err != nil {
		t.Fatal(err)
	}
	ours := map[string]string{
		"EVENT_PACT_CONSUMER_TESTS_RAN":  EventPactConsumerTestsRan,
		"EVENT_PACTS_VERIFIED":           EventPactsVerified,
		"EVENT_PLUGIN_LOADED":            EventPluginLoaded,
		"EVENT_PACT_MOCK_SERVER_STARTED": EventPactMockServerStarted,
		"CATEGORY_CONSUMER_TEST":         CategoryConsumerTest,
		"CATEGORY_PROVIDER_TEST":         CategoryProviderTest,
		"CATEGORY_PLUGIN":                CategoryPlugin,
		"ACTION_COMPLETED":               ActionCompleted,
		"ACTION_LOADED":                  ActionLoaded,
		"ACTION_MOCK_SERVER_STARTED":     ActionMockServerStarted,
		"DATA_SOURCE_CLI":                string(DataSourceCLI),
		"DATA_SOURCE_CLIENT":             string(DataSourceClient),
		"DATA_SOURCE_BROKER":             string(DataSourceBroker),
	}
	if !maps.Equal(names, ours) {
		t.Errorf("the library's: %v\nours: %v", names, ours)
	}
}

func TestThePlatformVersionIsMadeFromTheVersionOfGo(t *testing.T) {
	for said, want := range map[string]string{
		"go1.26.8":                             "Go 1.26.8",
		"go1.26.8 X:nodwarf5":                  "Go 1.26.8",
		"devel go1.27-3c2b1a0 Mon Nov 2 10:00": "Go 1.27-3c2b1a0",
		"something else":                       "Go something else",
	} {
		if got := platformVersion(said); got != want {
			t.Errorf("%s: got %s, want %s", said, got, want)
		}
	}
}
