package telemetry

import (
	"context"
	"fmt"
	"math"

	"github.com/pact-foundation/pact-telemetry/bindings/go/internal/native"
)

// Outcome is what became of a call. Zero is OK. A positive outcome is no error, but nothing was queued, or not
// everything arrived. A negative one is an error. No outcome is a reason to stop a test: a program may ignore all of
// them.
type Outcome int32

const (
	OK Outcome = native.OK
	// Disabled: the person opted out, or the host program turned telemetry off. [Client.Explain] names the rule.
	Disabled Outcome = native.Disabled
	// NotConfigured: Google's endpoint needs credentials, and none were given or built in.
	NotConfigured Outcome = native.NotConfigured
	// QueueFull: the queue has no capacity left. The event is dropped and counted.
	QueueFull Outcome = native.QueueFull
	// Closed: the client was closed.
	Closed Outcome = native.Closed
	// Lost: events were lost that no earlier call reported.
	Lost Outcome = native.Lost
	// Kept: nothing was lost, but some events wait on disk for another attempt.
	Kept Outcome = native.Kept
	// Unavailable: the client is a no-op. [Client.UnavailableReason] says why.
	Unavailable Outcome = math.MaxInt32 // the library counts up from zero

	// ErrorNull is never returned by this package.
	ErrorNull Outcome = native.ErrorNull
	// ErrorUTF8: a text is not valid UTF-8.
	ErrorUTF8 Outcome = native.ErrorUTF8
	// ErrorEmpty: a text that must not be empty is empty or blank.
	ErrorEmpty Outcome = native.ErrorEmpty
	// ErrorTooLong: a text is longer than its limit.
	ErrorTooLong Outcome = native.ErrorTooLong
	// ErrorForbidden: a text looks like a path, a URL, an e-mail or a network address, or contains a control character.
	ErrorForbidden Outcome = native.ErrorForbidden
	// ErrorRange: a number is outside of its range.
	ErrorRange Outcome = native.ErrorRange
	// ErrorTimeout: the time is over, and some events still wait. The library goes on with them.
	ErrorTimeout Outcome = native.ErrorTimeout
	// ErrorInternal: the library has a fault, which does not affect the program.
	ErrorInternal Outcome = native.ErrorInternal
)

// names are the names of the library's statuses, which are needed without a library too.
var names = map[Outcome]string{
	OK:             "ok",
	Disabled:       "disabled",
	NotConfigured:  "not_configured",
	QueueFull:      "queue_full",
	Closed:         "closed",
	Lost:           "lost",
	Kept:           "kept",
	Unavailable:    "unavailable",
	ErrorNull:      "error_null",
	ErrorUTF8:      "error_utf8",
	ErrorEmpty:     "error_empty",
	ErrorTooLong:   "error_too_long",
	ErrorForbidden: "error_forbidden",
	ErrorRange:     "error_range",
	ErrorTimeout:   "error_timeout",
	ErrorInternal:  "error_internal",
}

// String is the name of the library's status in lower case, such as "not_configured".
func (o Outcome) String() string {
	if name, known := names[o]; known {
		return name
	}
	return fmt.Sprintf("outcome %d", int32(o))
}

// Failed says whether the outcome is an error. One that is none may still mean that nothing was queued or delivered.
func (o Outcome) Failed() bool {
	return o < 0
}

// Error says that Persist, Flush or Close ended with an outcome other than OK and Kept. If the time was over, errors.Is
// finds [context.DeadlineExceeded] or [context.Canceled] in it.
type Error struct {
	Outcome Outcome
	cause   error
}

func (e *Error) Error() string {
	return "pact telemetry: " + e.Outcome.String()
}

func (e *Error) Unwrap() error {
	return e.cause
}

// asError is nil for OK, and also for Kept, because the caller need not do anything about it.
func (o Outcome) asError() error {
	switch o {
	case OK, Kept:
		return nil
	case ErrorTimeout:
		return &Error{Outcome: o, cause: context.DeadlineExceeded}
	}
	return &Error{Outcome: o}
}
