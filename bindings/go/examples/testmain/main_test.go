// Package testmain shows where Close belongs in a test binary: after the tests and before os.Exit.
package testmain

import (
	"os"
	"testing"

	telemetry "github.com/pact-foundation/pact-telemetry/bindings/go"
)

var client = telemetry.New(telemetry.Options{
	Library: telemetry.Library{ID: "pact-go", Name: "Pact Go", Version: "1.2.3"},
})

func TestMain(m *testing.M) {
	code := m.Run()
	_ = client.Close() // takes a second at most; its result is no reason to fail
	os.Exit(code)
}

func TestConsumer(*testing.T) {
	interactions := 2
	client.ConsumerTestsRan(interactions)
}
