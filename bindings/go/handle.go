package telemetry

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pact-foundation/pact-telemetry/bindings/go/internal/native"
)

// handle owns one client of the library. It is given back once and never while a call is inside: a call holds a
// reference, being open is another, and whoever drops the last one frees. So no call ever waits for another, as with a
// lock it would wait behind a flush.
type handle struct {
	client *native.Client
	refs   atomic.Int64
	closed atomic.Bool
	// done is closed when the first close has ended.
	done chan struct{}
	// hurried is whether the first event was put on disk at once.
	hurried atomic.Bool
	// hostOff is the host's own switch: while it is set, nothing has to be asked of the library.
	hostOff atomic.Bool
	// startedOff is whether the library turned it off when it was made, and has not turned it on since.
	startedOff atomic.Bool
	// refused are the events that were refused without the library, which therefore does not count them.
	refused atomic.Int64
	// stats are the last ones, from when it was closed.
	stats atomic.Pointer[[]byte]
}

// open makes a client of the library, or says which option is wrong.
func open(config []byte) (*handle, error) {
	var reason [1024]byte
	client := native.New(&append(config, 0)[0], &reason[0], uint32(len(reason)))
	if client == nil {
		text, _, _ := strings.Cut(string(reason[:]), "\x00")
		return nil, errors.New(text)
	}
	h := &handle{client: client, done: make(chan struct{})}
	h.refs.Store(1)
	return h, nil
}

// acquire answers false once the handle is closed.
func (h *handle) acquire() bool {
	for {
		refs := h.refs.Load()
		if refs == 0 || h.closed.Load() {
			return false
		}
		if h.refs.CompareAndSwap(refs, refs+1) {
			return true
		}
	}
}

func (h *handle) release() {
	if h.refs.Add(-1) == 0 {
		native.Free(h.client)
	}
}

// drop gives the client back without waiting; what it queued stays with the library's sender.
func (h *handle) drop() {
	if h.closed.CompareAndSwap(false, true) {
		h.release()
		close(h.done)
	}
}

// keepStats reads the counters a last time, when the library has closed.
func (h *handle) keepStats() {
	text, outcome := read(func(out *byte, capacity uint32) int32 { return native.Stats(h.client, out, capacity) })
	if outcome == OK {
		h.stats.Store(&text)
	}
}

// lastStats are nil until the library has closed.
func (h *handle) lastStats() []byte {
	if text := h.stats.Load(); text != nil {
		return *text
	}
	return nil
}

// texts are an event's strings as C wants them, in one piece. An offset of zero stands for no text at all.
type texts struct {
	bytes                                       []byte
	category, action, pluginName, pluginVersion int
}

// packEvent packs what is the same in every event of a kind.
func packEvent(name, category, action string) texts {
	return pack(nil, &Event{Name: name, Category: category, Action: action})
}

// onStack holds the texts of every event but a long one, so that they lie on the stack.
type onStack [192]byte

func pack(to []byte, e *Event) (t texts) {
	t.bytes = appendText(to, e.Name)
	t.category = len(t.bytes)
	t.bytes = appendText(t.bytes, e.Category)
	t.action = len(t.bytes)
	t.bytes = appendText(t.bytes, e.Action)
	if e.PluginName != "" {
		t.pluginName = len(t.bytes)
		t.bytes = appendText(t.bytes, e.PluginName)
	}
	if e.PluginVersion != "" {
		t.pluginVersion = len(t.bytes)
		t.bytes = appendText(t.bytes, e.PluginVersion)
	}
	return t
}

// appendText hands a NUL inside of a text over as another control character: it would cut the text short, and so it is
// refused and counted by the library like all of its kind.
func appendText(to []byte, text string) []byte {
	start := len(to)
	to = append(to, text...)
	if strings.IndexByte(text, 0) >= 0 {
		for i, b := range to[start:] {
			if b == 0 {
				to[start+i] = 1
			}
		}
	}
	return append(to, 0)
}

// optional is the text that begins there, or nil for none.
func (t *texts) optional(offset int) *byte {
	if offset == 0 {
		return nil
	}
	return &t.bytes[offset]
}

func (h *handle) track(e *Event) Outcome {
	var room onStack
	t := pack(room[:0], e)
	return h.trackTexts(&t, e.Value)
}

// trackTexts has a client's first event put on disk at once, without waiting for it: most test processes report one
// event and end by os.Exit, and Go has no hook for that. The library does the same for the first event of a process;
// the events of a second client would wait for 50 milliseconds without this.
func (h *handle) trackTexts(t *texts, value int64) Outcome {
	outcome := Outcome(native.Track(h.client, &t.bytes[0], &t.bytes[t.category], &t.bytes[t.action], value,
		t.optional(t.pluginName), t.optional(t.pluginVersion)))
	if outcome == OK && !h.hurried.Load() && h.hurried.CompareAndSwap(false, true) {
		native.Persist(h.client, 0)
	}
	return outcome
}

// refuses tells whether an event can be refused before its texts are packed, which costs a fifth of a foreign call, and
// counts it then.
func (h *handle) refuses() bool {
	if !h.hostOff.Load() {
		if !h.startedOff.Load() {
			return false
		}
		if native.IsEnabled(h.client) == 1 {
			h.startedOff.Store(false)
			return false
		}
	}
	h.refused.Add(1)
	return true
}

// setEnabled is the host's own switch. Whichever of two calls at once is the last one in the library, hostOff is never
// set while the library is on.
func (h *handle) setEnabled(enabled bool) Outcome {
	if !enabled {
		h.hostOff.Store(true)
		return Outcome(native.SetEnabled(h.client, 0))
	}
	outcome := Outcome(native.SetEnabled(h.client, 1))
	h.hostOff.Store(false)
	return outcome
}

func (h *handle) explain() Explanation {
	text, outcome := read(func(out *byte, capacity uint32) int32 { return native.Explain(h.client, out, capacity) })
	return newExplanation(Answer{Outcome: outcome, JSON: text})
}

func (h *handle) preview(e *Event, out *byte, capacity uint32) int32 {
	var room onStack
	t := pack(room[:0], e)
	return native.Preview(h.client, &t.bytes[0], &t.bytes[t.category], &t.bytes[t.action], e.Value,
		t.optional(t.pluginName), t.optional(t.pluginVersion), out, capacity)
}

// read has a text written, into a larger buffer where the first was too small. The text may grow in between.
func read(write func(out *byte, capacity uint32) int32) ([]byte, Outcome) {
	buffer := make([]byte, 4096)
	for {
		length := write(&buffer[0], uint32(len(buffer)))
		switch {
		case length < 0:
			return nil, Outcome(length)
		case int(length) < len(buffer):
			return buffer[:length], OK
		}
		buffer = make([]byte, int(length)+256)
	}
}

// wait has a persist, flush or close done until the context ends, and calls after when the library is through. It
// cannot be told that a context was cancelled: then the call stays behind on a goroutine of its own, at most to its
// time-out.
func (h *handle) wait(ctx context.Context, call func(*native.Client, uint32) int32, after func()) error {
	timeout := milliseconds(ctx)
	if timeout == 0 || ctx.Done() == nil {
		outcome := Outcome(call(h.client, timeout))
		after()
		return outcome.asError()
	}
	answer := make(chan Outcome, 1)
	go func() {
		outcome := Outcome(call(h.client, timeout))
		after()
		answer <- outcome
	}()
	select {
	case outcome := <-answer:
		return outcome.asError()
	case <-ctx.Done():
		return &Error{Outcome: ErrorTimeout, cause: ctx.Err()}
	}
}

// milliseconds are what is left of a context; zero, which asks without waiting, only where it has ended.
func milliseconds(ctx context.Context) uint32 {
	if ctx.Err() != nil {
		return 0
	}
	left := defaultTimeout
	if deadline, limited := ctx.Deadline(); limited {
		left = time.Until(deadline)
	}
	return uint32(min(max(left.Milliseconds(), 1), math.MaxUint32))
}
