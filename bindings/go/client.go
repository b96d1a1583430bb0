package telemetry

import (
	"context"
	"runtime"
	"time"

	"github.com/pact-foundation/pact-telemetry/bindings/go/internal/native"
)

// defaultTimeout is how long persist, flush and close take where nothing else is asked for.
const defaultTimeout = time.Second

// Client reports events. Its methods may be called by any goroutine at any time, also on a client that is nil, closed
// or not available. A client that is dropped without Close is given back by the garbage collector, and what it queued
// is sent all the same while the process lives.
type Client struct {
	handle *handle // nil for a no-op
	reason string
}

// New makes a client; it is never nil. Nothing is started before the first event that is accepted.
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
		// One that is not configured says so, and not that it is disabled, once the person's opt-out is gone.
		h.startedOff.Store(!h.hostOff.Load() && h.explain().Configured)
	}
	return h, nil
}

func dropUnused(h *handle) {
	h.drop()
}

// enter answers OK with a handle that stays valid until its release, or why there is none.
func (c *Client) enter() (*handle, Outcome) {
	if c == nil || c.handle == nil {
		return nil, Unavailable
	}
	if !c.handle.acquire() {
		return nil, Closed
	}
	return c.handle, OK
}

// UnavailableReason says why the client is a no-op; it is empty where it is none.
func (c *Client) UnavailableReason() string {
	switch {
	case c == nil:
		return "the client is nil"
	case c.handle == nil && c.reason == "":
		return "the client was not made by New"
	}
	return c.reason
}

// Track queues an event. It copies all text and never waits.
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

// Enabled tells whether an event would be queued now. Every rule is asked anew.
func (c *Client) Enabled() bool {
	h, outcome := c.enter()
	if outcome != OK {
		return false
	}
	defer h.release()
	return native.IsEnabled(h.client) == 1
}

// SetEnabled turns the client on or off for the host. Off: what waits is thrown away, and nothing leaves after the call
// returns. On: the person's own choice still holds.
func (c *Client) SetEnabled(enabled bool) Outcome {
	h, outcome := c.enter()
	if outcome != OK {
		return outcome
	}
	defer h.release()
	return h.setEnabled(enabled)
}

// Explain tells whether the client is on, which rule decided, what each rule read, where events would go, and which
// options are not known.
func (c *Client) Explain() Explanation {
	h, outcome := c.enter()
	if outcome != OK {
		return newExplanation(Answer{Outcome: outcome, Reason: c.UnavailableReason()})
	}
	defer h.release()
	return h.explain()
}

// Stats tells what became of the client's events in this process.
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

// Preview shows the request that would carry this event alone, whatever the person decided. It sends and keeps nothing.
func (c *Client) Preview(event Event) Request {
	return newRequest(c.read(func(h *handle, out *byte, capacity uint32) int32 {
		return h.preview(&event, out, capacity)
	}))
}

// read answers the library's text, or the outcome that stands in its place.
func (c *Client) read(write func(h *handle, out *byte, capacity uint32) int32) Answer {
	h, outcome := c.enter()
	if outcome != OK {
		return Answer{Outcome: outcome, Reason: c.UnavailableReason()}
	}
	defer h.release()
	text, outcome := read(func(out *byte, capacity uint32) int32 { return write(h, out, capacity) })
	return Answer{Outcome: outcome, JSON: text}
}

// Persist puts everything on disk that was accepted before, and waits until it is there or the context ends; without a
// deadline for one second. It waits for no server: what is on disk, the next process sends. It answers nil if nothing
// waits in memory any more (or the client is a no-op), else an [*Error].
func (c *Client) Persist(ctx context.Context) error {
	return c.waitFor(ctx, native.Persist)
}

// Flush has everything sent that was queued before, and waits until it is settled or the context ends; without a
// deadline for one second. It answers nil if all was delivered or nothing waited (or the client is a no-op), else an
// [*Error].
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

// Close is [Client.Shutdown] with one second to go.
func (c *Client) Close() error {
	return c.Shutdown(context.Background())
}

// Shutdown takes no more events, flushes as [Client.Flush] does and gives the client back; every later call answers
// Closed. What could not be sent in time stays with the library. A second call waits for the first and answers nil.
func (c *Client) Shutdown(ctx context.Context) error {
	ctx = orBackground(ctx)
	if c == nil || c.handle == nil {
		return nil
	}
	h := c.handle
	if h.closed.CompareAndSwap(false, true) {
		// The reference of being open is held until the library has closed.
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
	case <-h.done: // both were ready
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
