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

// handle owns one client of the library, which is freed exactly once, and never during a call. An open handle holds a
// reference, each call holds another, and the release of the last one frees the client. So no call waits for another
// one; with a lock, a call would have to wait for a flush.
type handle struct {
	client *native.Client
	refs   atomic.Int64
	closed atomic.Bool
	// done is closed when the first close has ended.
	done chan struct{}
	// hostOff is whether the host program turned the client off. While it is set, the library need not be asked.
	hostOff atomic.Bool
	// startedOff is whether the library had the client turned off when it was made, and has not turned it on since.
	startedOff atomic.Bool
	// refused is the number of events that were refused without a call of the library, which does not count them.
	refused atomic.Int64
	// stats are the last counters, read when the library has closed the client.
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

// acquire adds a reference. It returns false if the handle is closed.
func (h *handle) acquire() bool {
	return !h.closed.Load() && h.retain()
}

// retain adds a reference, also while the library closes the client. It returns false if the client was freed.
func (h *handle) retain() bool {
	for {
		refs := h.refs.Load()
		if refs == 0 {
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

// drop frees the client without waiting. The library's background threads still send what it queued.
func (h *handle) drop() {
	if h.closed.CompareAndSwap(false, true) {
		h.release()
		close(h.done)
	}
}

// readStats reads the counters.
func (h *handle) readStats() ([]byte, Outcome) {
	return read(func(out *byte, capacity uint32) int32 { return native.Stats(h.client, out, capacity) })
}

// keepStats reads the counters for the last time, when the library has closed the client.
func (h *handle) keepStats() {
	if text, outcome := h.readStats(); outcome == OK {
		h.stats.Store(&text)
	}
}

// lastStats returns the last counters; while the library closes the client, those of this moment.
func (h *handle) lastStats() []byte {
	if h.stats.Load() == nil && h.retain() {
		defer h.release()
		if text, outcome := h.readStats(); outcome == OK {
			return text
		}
	}
	if text := h.stats.Load(); text != nil {
		return *text
	}
	return nil
}

// texts are the strings of an event as C strings, in one slice. An offset of zero stands for a missing text.
type texts struct {
	bytes                                       []byte
	category, action, pluginName, pluginVersion int
}

// packEvent packs the texts that are the same in every event of a kind.
func packEvent(name, category, action string) texts {
	return pack(nil, &Event{Name: name, Category: category, Action: action})
}

// onStack is large enough for the texts of every event except a long one, so that they are on the stack.
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

// appendText appends a text as a C string. A NUL inside the text would end the string, so it becomes another control
// character, which the library refuses and counts.
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

// optional is the text that begins at the offset, or nil if there is none.
func (t *texts) optional(offset int) *byte {
	if offset == 0 {
		return nil
	}
	return &t.bytes[offset]
}

func (h *handle) track(e *Event) Outcome {
	var buffer onStack
	t := pack(buffer[:0], e)
	return h.trackTexts(&t, e.Value)
}

func (h *handle) trackTexts(t *texts, value int64) Outcome {
	outcome := Outcome(native.Track(h.client, &t.bytes[0], &t.bytes[t.category], &t.bytes[t.action], value,
		t.optional(t.pluginName), t.optional(t.pluginVersion)))
	if outcome == OK {
		waitForDisk(h.client)
	}
	return outcome
}

// diskWait is how long a process waits in all for the disk, in Track; 1 % of the process's life comes on top.
const diskWait = 20 * time.Millisecond

var (
	processStart = time.Now()
	// waitedForDisk is how long Track has waited for the disk in this process, in nanoseconds.
	waitedForDisk atomic.Int64
)

// waitForDisk waits until what was tracked is on disk, which takes less than a millisecond. Most test processes report
// one event and end by os.Exit at once, for which Go has no hook.
func waitForDisk(client *native.Client) {
	start := time.Now()
	left := diskWait + start.Sub(processStart)/100 - time.Duration(waitedForDisk.Load())
	if left < time.Millisecond {
		return
	}
	native.Persist(client, uint32(min(left, diskWait).Milliseconds()))
	waitedForDisk.Add(int64(time.Since(start)))
}

// refuses says whether an event can be refused before its texts are packed, and counts it if so. To pack them costs a
// fifth of a foreign call.
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

// setEnabled is the host program's own switch. After two goroutines have called it at once, hostOff is never set while
// the library is on, whichever of the two calls reached the library last.
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
	var buffer onStack
	t := pack(buffer[:0], e)
	return native.Preview(h.client, &t.bytes[0], &t.bytes[t.category], &t.bytes[t.action], e.Value,
		t.optional(t.pluginName), t.optional(t.pluginVersion), out, capacity)
}

// read has a text written into a buffer, and into a larger one if the first was too small. The text may grow between
// two calls.
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

// wait makes a call that waits, until the context ends, and runs after when the call has returned. The library cannot
// be told that a context was cancelled; the call then goes on in a goroutine of its own, at most until its time-out.
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

// milliseconds is the time that a context has left. It is zero, for a call that does not wait, only if the context has
// ended.
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
