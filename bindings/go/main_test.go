//go:build cgo || pact_telemetry_purego

package telemetry

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/pact-foundation/pact-telemetry/bindings/go/internal/collector"
)

// programVariable names the program that this test binary runs instead of the tests. Such a program is for tests that
// need a process of their own, because of its exit, its environment or its library.
const programVariable = "GO_TELEMETRY_TEST_PROGRAM"

var programs = map[string]func(){}

func TestMain(m *testing.M) {
	if program, found := programs[os.Getenv(programVariable)]; found {
		program()
		return
	}
	folder, err := os.MkdirTemp("", "pact-telemetry-go")
	if err == nil {
		err = collector.Prepare(folder)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(folder)
	os.Exit(code)
}

// runProgram returns what the program printed, and fails the test if the program failed.
func runProgram(t *testing.T, binary, name string, environment ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), collector.Patience)
	defer cancel()
	command := exec.CommandContext(ctx, binary)
	command.Env = append(os.Environ(), programVariable+"="+name)
	command.Env = append(command.Env, environment...)
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, output)
	}
	return strings.TrimSpace(string(output))
}

func ownBinary(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func startCollector(t *testing.T, arguments ...string) *collector.Collector {
	t.Helper()
	c, err := collector.Start(arguments...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = c.Stop() })
	return c
}

func nextEvent(t *testing.T, c *collector.Collector) collector.Event {
	t.Helper()
	e, err := c.Next()
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Problems) != 0 {
		t.Errorf("problems: %v", e.Problems)
	}
	return e
}

// arrived ends the collector and returns how many events arrived that the test has not read.
func arrived(t *testing.T, c *collector.Collector) int {
	t.Helper()
	count, err := c.Stop()
	if err != nil {
		t.Fatal(err)
	}
	return count
}

func optionsFor(url string) Options {
	return Options{
		Library:  Library{ID: "pact-go", Name: "Pact Go", Version: "1.2.3"},
		Endpoint: url, MeasurementID: "G-1", APISecret: "secret",
	}
}

// newClient makes a client that works, and closes it at the end of the test.
func newClient(t *testing.T, options Options) *Client {
	t.Helper()
	client := New(options)
	if reason := client.UnavailableReason(); reason != "" {
		t.Fatal(reason)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// programClient makes the client of a program. The environment names its collector.
func programClient() *Client {
	return New(optionsFor(os.Getenv("PACT_TELEMETRY_ENDPOINT")))
}

func expect[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// nowhere is an endpoint at which no server listens.
const nowhere = "http://127.0.0.1:9"
