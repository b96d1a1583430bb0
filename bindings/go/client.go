package telemetry

import (
	"context"
	"runtime"
	"time"

	"github.com/pact-foundation/pact-telemetry/bindings/go/internal/native"
)

// defaultTimeout is the longest time that Persist, Flush and Close wait if the context has no deadline.
const defaultTimeout = time.Second

// Client reports events. Its methods may be called by any goroutine at any time, also on a client that is nil, closed
// or not available. If nothing refers to a client that was not closed, the garbage collector frees it, and what it
// queued is still sent while the process runs.
type Client struct {
	handle *handle // nil for a no-op
	reason string
}

// New makes a client, which is never nil. It starts no thread and opens no socket before the first accepted event.
func New(options Options) *Client {
	handle, err := create(options)
	if err != nil {
		return &Client{reason: err.Error()}
	}
	c := &Client{handle: handle}
	runtime.AddCleanup(c, dropUnused, handle)
	return c
}

func create(options Options) (*handle, error) {
	if err := native.Load(); err != nil {
		return nil, err
	}
	config, err := options.config()
	if err != nil {
		return nil, err
	}
	h, err := open(config)
	if err != nil {
		return nil, err
	}
	h.hostOff.Store(options.Enabled != nil && !*options.Enabled)
	if native.IsEnabled(h.client) != 1 {
		native.Discard()
		// Once the opt-out is gone, a client that is not configured must return NotConfigured, not Disabled.
		h.startedOff.Store(!h.hostOff.Load() && h.explain().Configured)
	}
	return h, nil
}

func dropUnused(h *handle) {
	h.drop()
}

// enter returns a handle that stays valid until its release, and OK; or nil and the reason.
func (c *Client) enter() (*handle, Outcome) {
	if c == nil || c.handle == nil {
		return nil, Unavailable
	}
	if !c.handle.acquire() {
		return nil, Closed
	}
	return c.handle, OK
}

// UnavailableReason says why the client is a no-op. It is empty if the client works.
func (c *Client) UnavailableReason() string {
	switch {
	case c == nil:
		return "the client is nil"
	case c.handle == nil && c.reason == "":
		return "the client was not made by New"
	}
	return c.reason
}

// Track queues an event and copies all text. It waits until the event is on disk, some tenths of a millisecond, since a
// program may end at once. When a process has waited 20 ms and 1 % of its life in this way, Track does not wait any
// more.
func (c *Client) Track(event Event) Outcome {
	h, outcome := c.enter()
	if outcome != OK {
		return outcome
	}
	if h.refuses() {
		outcome = Disabled
	} else {
		outcome = h.track(&event)
	}
	h.release()
	return outcome
}

func (c *Client) trackTexts(t *texts, value int64) Outcome {
	h, outcome := c.enter()
	if outcome != OK {
		return outcome
	}
	if h.refuses() {
		outcome = Disabled
	} else {
		outcome = h.trackTexts(t, value)
	}
	h.release()
	return outcome
}

// Enabled says whether an event would be queued now. It checks every rule again.
func (c *Client) Enabled() bool {
	h, outcome := c.enter()
	if outcome != OK {
		return false
	}
	defer h.release()
	return native.IsEnabled(h.client) == 1
}

// SetEnabled turns the client on or off for the host program. Turning it off discards what waits, and nothing is sent
// after the call returns. Turning it on cannot overrule the person's own choice.
func (c *Client) SetEnabled(enabled bool) Outcome {
	h, outcome := c.enter()
	if outcome != OK {
		return outcome
	}
	defer h.release()
	return h.setEnabled(enabled)
}

// Explain says whether the client is on, which rule decided, what each rule read, where events would be sent, and which
// options are not known.
func (c *Client) Explain() Explanation {
	h, outcome := c.enter()
	if outcome != OK {
		return newExplanation(Answer{Outcome: outcome, Reason: c.UnavailableReason()})
	}
	defer h.release()
	return h.explain()
}

// Stats says what became of the client's events in this process.
func (c *Client) Stats() Stats {
	answer := c.read(func(h *handle, out *byte, capacity uint32) int32 {
		return native.Stats(h.client, out, capacity)
	})
	if answer.Outcome == Closed {
		answer.JSON = c.handle.lastStats()
	}
	stats := newStats(answer)
	if answer.JSON != nil {
		stats.addRefused(c.handle.refused.Load())
	}
	return stats
}

// Preview returns the request that would carry this event alone, whatever the person decided. It sends and stores
// nothing.
func (c *Client) Preview(event Event) Request {
	return newRequest(c.read(func(h *handle, out *byte, capacity uint32) int32 {
		return h.preview(&event, out, capacity)
	}))
}

// read returns the library's text, or the outcome of the call that did not give one.
func (c *Client) read(write func(h *handle, out *byte, capacity uint32) int32) Answer {
	h, outcome := c.enter()
	if outcome != OK {
		return Answer{Outcome: outcome, Reason: c.UnavailableReason()}
	}
	defer h.release()
	text, outcome := read(func(out *byte, capacity uint32) int32 { return write(h, out, capacity) })
	return Answer{Outcome: outcome, JSON: text}
}

// Persist puts everything on disk that was accepted before, and waits until it is there or the context ends, for one
// second if the context has no deadline. It waits for no server: this process or the next one sends what is on disk. It
// returns nil if nothing waits in memory any more (or the client is a no-op), otherwise an [*Error].
func (c *Client) Persist(ctx context.Context) error {
	return c.waitFor(ctx, native.Persist)
}

// Flush has everything that was queued before sent, and waits until each event is delivered, kept on disk or lost, or
// the context ends, for one second if the context has no deadline. It returns nil if nothing was lost and nothing waits
// in memory any more (or the client is a no-op), otherwise an [*Error].
func (c *Client) Flush(ctx context.Context) error {
	return c.waitFor(ctx, native.Flush)
}

func (c *Client) waitFor(ctx context.Context, call func(*native.Client, uint32) int32) error {
	h, outcome := c.enter()
	switch outcome {
	case OK:
		return h.wait(orBackground(ctx), call, h.release)
	case Unavailable:
		return nil
	}
	return outcome.asError()
}

// Close is [Client.Shutdown] with a time-out of one second.
func (c *Client) Close() error {
	return c.Shutdown(context.Background())
}

// Shutdown takes no more events, flushes as [Client.Flush] does, and frees the client. Every later call returns Closed.
// The library goes on with what could not be sent in time. A second Shutdown waits until the first one has ended and
// returns nil, or an [*Error] if its own time is over before.
func (c *Client) Shutdown(ctx context.Context) error {
	ctx = orBackground(ctx)
	if c == nil || c.handle == nil {
		return nil
	}
	h := c.handle
	if h.closed.CompareAndSwap(false, true) {
		// The reference that an open handle holds is released when the library has closed.
		return h.wait(ctx, native.Close, func() {
			h.keepStats()
			h.release()
			close(h.done)
		})
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(milliseconds(ctx))*time.Millisecond)
	defer cancel()
	select {
	case <-h.done:
		return nil
	case <-ctx.Done():
	}
	select {
	case <-h.done: // both channels were ready
		return nil
	default:
		return &Error{Outcome: ErrorTimeout, cause: ctx.Err()}
	}
}

func orBackground(ctx context.Context) context.Context {
	if ctx == nil {
		return context.Background()
	}
	return ctx
}
