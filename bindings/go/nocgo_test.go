//go:build !cgo && !windows && !darwin && !(linux && pact_telemetry_purego)

package telemetry

import (
	"strings"
	"testing"
)

func TestWithoutCgoTheClientIsANoOpThatSaysSo(t *testing.T) {
	client := New(Options{Library: Library{ID: "pact-go", Name: "Pact Go", Version: "1.2.3"}})
	reason := client.UnavailableReason()
	if !strings.Contains(reason, "CGO_ENABLED=0") {
		t.Error(reason)
	}
	if outcome := client.PactsVerified(1); outcome != Unavailable || outcome.String() != "unavailable" {
		t.Error(outcome)
	}
	if explained := client.Explain(); explained.Reason != reason || explained.State != StateUnavailable {
		t.Error(explained)
	}
	if client.Enabled() || client.Persist(t.Context()) != nil || client.Flush(t.Context()) != nil ||
		client.Close() != nil {
		t.Error("not a no-op")
	}
}
