// Package report is what the tests of both packages do.
package report

import (
	"os"
	"strconv"
	"testing"

	telemetry "github.com/pact-foundation/pact-telemetry/bindings/go"
)

var client = telemetry.New(telemetry.Options{
	Library: telemetry.Library{ID: "pact-go", Name: "Pact Go", Version: "1.0.0"},
})

// Main runs the tests of a package.
func Main(m *testing.M) {
	code := m.Run()
	_ = client.Close()
	os.Exit(code)
}

// Event reports an event whose value is BASE and the number.
func Event(t *testing.T, number int) {
	base, err := strconv.Atoi(os.Getenv("BASE"))
	if err != nil {
		t.Fatal(err)
	}
	client.ConsumerTestsRan(base + number)
}
