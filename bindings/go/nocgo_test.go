//go:build !cgo

package telemetry

import (
	"strings"
	"testing"
)

func TestWithoutCgoTheClientIsANoOpThatSaysSo(t *testing.T) {
	client := New(Options{Library: Library{ID: "pact-go", Name: "Pact Go", Version: "1.2.3"}})
	if reason := client.UnavailableReason(); !strings.Contains(reason, "CGO_ENABLED=0") {
		t.Error(reason)
	}
	if outcome := client.PactsVerified(1); outcome != Unavailable || outcome.String() != "unavailable" {
		t.Error(outcome)
	}
	if text := string(client.Explain()); !strings.Contains(text, "CGO_ENABLED=0") {
		t.Error(text)
	}
	if client.Enabled() || client.Flush(t.Context()) != nil || client.Close() != nil {
		t.Error("not a no-op")
	}
}
