// Package telemetry reports anonymous usage events of Pact's Go libraries through the pact_telemetry library.
//
// A [Client] does not disturb its program. If the library cannot be loaded, or an option is wrong, it is a silent no-op
// that says why ([Client.UnavailableReason]). No method panics, and [Client.Track] never waits for a server.
//
// For every event, the library checks what a person decided (PACT_DO_NOT_TRACK or DO_NOT_TRACK in the environment, or a
// saved choice). It sees a change by os.Setenv, because Go passes changes on to C in programs with cgo.
//
// What was tracked is on disk when [Client.Track] returns, unless a process tracks very many events; the next process
// sends it. To have it sent at once, call [Client.Close] before the process ends. Go runs no exit handlers of C,
// neither at os.Exit nor after main returns nor at the end of `go test`:
//
//	func TestMain(m *testing.M) {
//		code := m.Run()
//		client.Close()
//		os.Exit(code)
//	}
package telemetry

// The names of the events of the Pact libraries. Any other event may be reported too.
const (
	// EventPactConsumerTestsRan: a run of consumer tests ended. Value: number of interactions.
	EventPactConsumerTestsRan = "Pact consumer tests ran"
	// EventPactsVerified: a provider verification ended. Value: number of results.
	EventPactsVerified = "Pacts verified"
	// EventPluginLoaded: a plugin was loaded. Value 1, with the plugin's name and version.
	EventPluginLoaded = "Plugin loaded"
	// EventPactMockServerStarted: a mock server was started. Value 1.
	EventPactMockServerStarted = "Pact mock server started"

	CategoryConsumerTest = "ConsumerTest"
	CategoryProviderTest = "ProviderTest"
	CategoryPlugin       = "Plugin"

	ActionCompleted         = "Completed"
	ActionLoaded            = "Loaded"
	ActionMockServerStarted = "MockServerStarted"
)

// Event is what happened. Name, Category and Action must not be blank. A text that looks like a path, a URL, an e-mail
// or a network address is refused.
type Event struct {
	Name     string // at most 500 bytes
	Category string // at most 150 bytes
	Action   string // at most 500 bytes
	// Value is a count that belongs to the event, zero or more.
	Value         int64
	PluginName    string // at most 150 bytes; empty for none
	PluginVersion string // at most 150 bytes; empty for none
}

// The texts of the events of the Pact libraries as C strings, packed once.
var (
	consumerTestsRan  = packEvent(EventPactConsumerTestsRan, CategoryConsumerTest, ActionCompleted)
	pactsVerified     = packEvent(EventPactsVerified, CategoryProviderTest, ActionCompleted)
	mockServerStarted = packEvent(EventPactMockServerStarted, CategoryConsumerTest, ActionMockServerStarted)
)

// ConsumerTestsRan reports that a run of consumer tests ended; count is the number of interactions.
func (c *Client) ConsumerTestsRan(count int) Outcome {
	return c.trackTexts(&consumerTestsRan, int64(count))
}

// PactsVerified reports that a provider verification ended; count is the number of results.
func (c *Client) PactsVerified(count int) Outcome {
	return c.trackTexts(&pactsVerified, int64(count))
}

// PluginLoaded reports that a plugin was loaded.
func (c *Client) PluginLoaded(name, version string) Outcome {
	return c.Track(Event{
		Name: EventPluginLoaded, Category: CategoryPlugin, Action: ActionLoaded, Value: 1,
		PluginName: name, PluginVersion: version,
	})
}

// MockServerStarted reports that a mock server was started.
func (c *Client) MockServerStarted() Outcome {
	return c.trackTexts(&mockServerStarted, 1)
}
