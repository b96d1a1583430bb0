package failing

import (
	"os"
	"strconv"
	"testing"

	telemetry "github.com/pact-foundation/pact-telemetry/bindings/go"
)

var client = telemetry.New(telemetry.Options{
	Library: telemetry.Library{ID: "pact-go", Name: "Pact Go", Version: "1.0.0"},
})

func TestMain(m *testing.M) {
	code := m.Run()
	_ = client.Close()
	os.Exit(code)
}

func TestReports(t *testing.T) {
	base, err := strconv.Atoi(os.Getenv("BASE"))
	if err != nil {
		t.Fatal(err)
	}
	client.ConsumerTestsRan(base + 2)
	t.Fail() // what a test prints is seen where it fails
}
