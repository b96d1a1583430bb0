package telemetry

import (
	"encoding/json"
	"errors"
	"time"
)

// State says in one word whether an event would be queued now.
type State string

const (
	StateEnabled       State = "enabled"
	StateDisabled      State = "disabled"       // a rule says off; Explanation.DecidedBy names it
	StateNotConfigured State = "not configured" // Google's endpoint needs credentials, and none were given or built in
	StateClosed        State = "closed"
	StateUnavailable   State = "unavailable" // the client is a no-op; Explanation.Reason says why
)

// DropReason is why an accepted event was lost.
type DropReason string

const (
	DropOptedOut     DropReason = "opted_out"
	DropDebug        DropReason = "debug"       // PACT_TELEMETRY_DEBUG prints events and sends none
	DropHTTPStatus   DropReason = "http_status" // the server refused it (4xx)
	DropExpired      DropReason = "expired"     // it waited for 72 hours
	DropSpoolFull    DropReason = "spool_full"
	DropNoNotice     DropReason = "no_notice"     // the notice could not be shown
	DropNotPersisted DropReason = "not_persisted" // no disk took it, and the process or the client ended
	DropInternal     DropReason = "internal"
)

// RefusalReason is why an event was not accepted.
type RefusalReason string

const (
	RefusedDisabled      RefusalReason = "disabled"
	RefusedNotConfigured RefusalReason = "not_configured"
	RefusedQueueFull     RefusalReason = "queue_full"
	RefusedClosed        RefusalReason = "closed"
	RefusedInvalid       RefusalReason = "invalid"
)

var (
	dropReasons = []DropReason{
		DropOptedOut, DropDebug, DropHTTPStatus, DropExpired, DropSpoolFull, DropNoNotice, DropNotPersisted,
		DropInternal,
	}
	refusalReasons = []RefusalReason{
		RefusedDisabled, RefusedNotConfigured, RefusedQueueFull, RefusedClosed, RefusedInvalid,
	}
)

// Answer is the part that all results share. If Outcome is not OK, the library gave no answer (there is none, or the
// client is closed, or the event is not valid), and all other fields are zero, except those of [Stats] after Close.
type Answer struct {
	Outcome Outcome `json:"-"`
	// Reason says why the client is a no-op, or why the library's answer could not be read; otherwise it is empty.
	Reason string `json:"-"`
	// JSON is the library's own text, which may have more keys if the library is newer; nil if it gave no answer.
	JSON json.RawMessage `json:"-"`
}

// Explanation says whether the client is on, which rule decided, and where events would be sent.
type Explanation struct {
	Answer
	Enabled bool  `json:"enabled"`
	State   State `json:"state"`
	// DecidedBy is the name of the rule that says off; empty if none does.
	DecidedBy string `json:"rule"`
	// Rules are all rules in their order. The first that says off decides.
	Rules    []Rule   `json:"rules"`
	Protocol Protocol `json:"protocol"`
	Endpoint string   `json:"endpoint"`
	// Destination is the digest that identifies the endpoint and its credentials on disk.
	Destination string `json:"destination"`
	Configured  bool   `json:"configured"` // there is a destination: credentials, or an endpoint that needs none
	Debug       bool   `json:"debug"`      // events are printed and not sent
	CI          bool   `json:"ci"`         // this process runs in continuous integration
	// ExitTimeout is the longest time that the exit of a C program would wait.
	ExitTimeout   time.Duration `json:"-"`
	QueueCapacity int           `json:"queue_capacity"`
	StateDir      string        `json:"state_dir"`
	ID            ID            `json:"id"`
	Notice        NoticeState   `json:"notice"`
	// Diagnostics name the options that the library does not know.
	Diagnostics []string `json:"diagnostics"`
}

// Rule is what one rule of consent says.
type Rule struct {
	Name string `json:"rule"` // such as "PACT_DO_NOT_TRACK", "saved choice"
	Says string `json:"says"` // "on", "off" or "no opinion"
	Path string `json:"path"` // the file that a saved choice is read from
	// Read is what was found: a text, a boolean, or nil for nothing.
	Read any `json:"read"`
}

// NoticeState is the text of the notice, and whether and when it was shown to the person.
type NoticeState struct {
	Text string `json:"text"`
	// Shown is when the notice was shown; the zero time if it was not shown yet.
	Shown time.Time `json:"-"`
	// HoldUntil is when events may leave at the earliest; the zero time if that is not known.
	HoldUntil time.Time `json:"-"`
}

// Stats say what became of the client's events in this process. At every moment
// Accepted = Delivered + Unconfirmed + Queued + Spooled + the sum of Dropped. They do not change any more when the
// library has closed the client.
type Stats struct {
	Answer
	Accepted  int64 `json:"accepted"`
	Delivered int64 `json:"delivered"`
	// Unconfirmed events were sent completely, but no answer was received. They are not sent again.
	Unconfirmed int64                   `json:"unconfirmed"`
	Queued      int64                   `json:"queued"`
	Spooled     int64                   `json:"spooled"` // on disk, for another attempt of this process or a later one
	Dropped     map[DropReason]int64    `json:"dropped"`
	NotAccepted map[RefusalReason]int64 `json:"not_accepted"`
	// LastFailure is why the last request of the process failed; empty after a success.
	LastFailure  string       `json:"last_failure"`
	LeftByOthers LeftByOthers `json:"left_by_others"`
}

// LeftByOthers counts the events that earlier processes left and that this process delivered or lost.
type LeftByOthers struct {
	Delivered   int64 `json:"delivered"`
	Unconfirmed int64 `json:"unconfirmed"`
	Dropped     int64 `json:"dropped"`
}

// Request is the exact request that would carry one event.
type Request struct {
	Answer
	Method      string `json:"method"`
	URL         string `json:"url"`
	ContentType string `json:"content_type"`
	Body        string `json:"body"`
}

// explanationText is an Explanation as the library writes it.
type explanationText struct {
	Explanation
	ExitTimeoutMS int64 `json:"exit_timeout_ms"`
	Notice        struct {
		NoticeState
		ShownMS     *int64 `json:"shown_ms"`
		HoldUntilMS *int64 `json:"hold_until_ms"`
	} `json:"notice"`
}

func newExplanation(answer Answer) Explanation {
	var e explanationText
	fill(&answer, &e)
	e.Answer = answer
	e.ExitTimeout = time.Duration(e.ExitTimeoutMS) * time.Millisecond
	e.Explanation.Notice = e.Notice.NoticeState
	e.Explanation.Notice.Shown = moment(e.Notice.ShownMS)
	e.Explanation.Notice.HoldUntil = moment(e.Notice.HoldUntilMS)
	switch answer.Outcome {
	case OK:
	case Closed:
		e.State = StateClosed
	default:
		e.State = StateUnavailable
	}
	return e.Explanation
}

func moment(milliseconds *int64) time.Time {
	if milliseconds == nil {
		return time.Time{}
	}
	return time.UnixMilli(*milliseconds)
}

func newStats(answer Answer) Stats {
	s := Stats{Dropped: map[DropReason]int64{}, NotAccepted: map[RefusalReason]int64{}}
	for _, reason := range dropReasons {
		s.Dropped[reason] = 0
	}
	for _, reason := range refusalReasons {
		s.NotAccepted[reason] = 0
	}
	fill(&answer, &s)
	s.Answer = answer
	return s
}

// addRefused adds the events that were refused without a call of the library, in the text too.
func (s *Stats) addRefused(count int64) {
	if count == 0 {
		return
	}
	s.NotAccepted[RefusedDisabled] += count
	var text map[string]json.RawMessage
	if json.Unmarshal(s.JSON, &text) != nil {
		return
	}
	text["not_accepted"], _ = json.Marshal(s.NotAccepted) // a map of numbers: this cannot fail
	if patched, err := json.Marshal(text); err == nil {
		s.JSON = patched
	}
}

func newRequest(answer Answer) Request {
	var r Request
	fill(&answer, &r)
	r.Answer = answer
	return r
}

// fill reads the library's text. A value of another type than expected is skipped.
func fill(answer *Answer, result any) {
	if answer.JSON == nil {
		return
	}
	var other *json.UnmarshalTypeError
	if err := json.Unmarshal(answer.JSON, result); err != nil && !errors.As(err, &other) {
		answer.Outcome, answer.Reason = ErrorInternal, err.Error()
	}
}
