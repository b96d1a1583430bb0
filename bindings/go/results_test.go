package telemetry

import (
	"encoding/json"
	"testing"
	"time"
)

func TestTheTimesOfAnExplanationAreConverted(t *testing.T) {
	text := `{"enabled": true, "state": "enabled", "rule": null, "exit_timeout_ms": 250, "rules": [{"rule": "host",
		"read": true, "says": "on"}], "notice": {"text": "Pact", "shown_ms": 1500, "hold_until_ms": 3601500}}`
	e := newExplanation(Answer{JSON: json.RawMessage(text)})
	if e.ExitTimeout != 250*time.Millisecond || e.State != StateEnabled || e.DecidedBy != "" || !e.Enabled {
		t.Errorf("%+v", e)
	}
	if len(e.Rules) != 1 || e.Rules[0].Read != true || e.Rules[0].Says != "on" {
		t.Errorf("%+v", e.Rules)
	}
	if n := e.Notice; n.Text != "Pact" || n.Shown.UnixMilli() != 1500 || n.HoldUntil.Sub(n.Shown) != time.Hour {
		t.Errorf("%+v", n)
	}
	e = newExplanation(Answer{JSON: json.RawMessage(`{"notice": {"shown_ms": null}}`)})
	if !e.Notice.Shown.IsZero() || !e.Notice.HoldUntil.IsZero() {
		t.Errorf("%+v", e.Notice)
	}
}

func TestTheKnownPartsOfANewerLibrarysAnswersAreRead(t *testing.T) {
	text := `{"accepted": 3, "dropped": {"a_new_reason": 1}, "queued": "text", "spooled": 2}`
	s := newStats(Answer{JSON: json.RawMessage(text)})
	_, known := s.Dropped[DropExpired]
	if s.Outcome != OK || s.Accepted != 3 || s.Spooled != 2 || s.Dropped["a_new_reason"] != 1 || !known {
		t.Errorf("%+v", s)
	}
	if s := newStats(Answer{JSON: json.RawMessage(`{`)}); s.Outcome != ErrorInternal || s.Reason == "" {
		t.Errorf("%+v", s)
	}
}
