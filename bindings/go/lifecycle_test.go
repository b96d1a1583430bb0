//go:build cgo || pact_telemetry_purego

package telemetry

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pact-foundation/pact-telemetry/bindings/go/internal/collector"
)

func TestACallAfterCloseReturnsClosed(t *testing.T) {
	client := newClient(t, optionsFor(nowhere))
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	expect(t, "references", client.handle.refs.Load(), 0)
	expect(t, "track", client.PactsVerified(1), Closed)
	expect(t, "set enabled", client.SetEnabled(true), Closed)
	expect(t, "enabled", client.Enabled(), false)
	expect(t, "explain", client.Explain().Outcome, Closed)
	expect(t, "state", client.Explain().State, StateClosed)
	expect(t, "stats", client.Stats().Outcome, Closed)
	expect(t, "preview", client.Preview(Event{}).Outcome, Closed)
	expect(t, "persist", fmt.Sprint(client.Persist(t.Context())), "pact telemetry: closed")
	expect(t, "flush", fmt.Sprint(client.Flush(t.Context())), "pact telemetry: closed")
	expect(t, "reason", client.UnavailableReason(), "")
	expect(t, "close again", client.Close(), nil)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	expect(t, "close again with a context that ended", client.Shutdown(ended), nil)
}

func TestManyGoroutinesCloseAtOnceAndTheEventArrives(t *testing.T) {
	server := startCollector(t)
	client := newClient(t, optionsFor(server.URL))
	expect(t, "track", client.PactsVerified(1), OK)
	var all sync.WaitGroup
	for range 8 {
		all.Add(1)
		go func() {
			defer all.Done()
			if err := client.Close(); err != nil {
				t.Error(err)
			}
			expect(t, "references after each of them", client.handle.refs.Load(), 0)
		}()
	}
	all.Wait()
	expect(t, "arrived", arrived(t, server), 1)
}

func TestWhatWasAcceptedDuringACloseArrives(t *testing.T) {
	server := startCollector(t)
	client := newClient(t, optionsFor(server.URL))
	var accepted atomic.Int64
	var all sync.WaitGroup
	for range 6 {
		all.Add(1)
		go func() {
			defer all.Done()
			for {
				switch outcome := client.PactsVerified(1); outcome {
				case OK:
					accepted.Add(1)
				case QueueFull: // on a busy machine
				case Closed:
					return
				default:
					t.Errorf("track: %v", outcome)
					return
				}
				client.Stats()
				time.Sleep(50 * time.Microsecond)
			}
		}()
	}
	time.Sleep(100 * time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), collector.Patience)
	defer cancel()
	if err := client.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	all.Wait()
	expect(t, "references", client.handle.refs.Load(), 0)
	expect(t, "arrived", int64(arrived(t, server)), accepted.Load())
	if accepted.Load() == 0 {
		t.Error("none was accepted")
	}
}

func TestCloseDoesNotWaitForAFlushOfAnotherGoroutine(t *testing.T) {
	server := startCollector(t, "--answers", "hang*")
	client := newClient(t, optionsFor(server.URL))
	expect(t, "track", client.PactsVerified(1), OK)
	flushed := make(chan error)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		flushed <- client.Flush(ctx)
	}()
	waitUntil(t, "inside the flush", func() bool { return client.handle.refs.Load() == 2 })
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	start := time.Now()
	expectTimeout(t, context.Canceled, func() error { return client.Shutdown(ended) })
	expect(t, "track", client.PactsVerified(1), Closed)
	if took := time.Since(start); took > time.Second {
		t.Errorf("took %v", took)
	}
	expect(t, "references while the flush is inside", client.handle.refs.Load(), 1)
	<-flushed
	waitUntil(t, "freed by the last call inside", func() bool { return client.handle.refs.Load() == 0 })
}

func TestTheCountersAreThereWhileTheLibraryCloses(t *testing.T) {
	server := startCollector(t, "--answers", "hang*")
	client := newClient(t, optionsFor(server.URL))
	expect(t, "track", client.PactsVerified(1), OK)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	closed := make(chan error)
	go func() { closed <- client.Shutdown(ctx) }()
	waitUntil(t, "closed", client.handle.closed.Load)
	stats := client.Stats()
	expect(t, "outcome", stats.Outcome, Closed)
	expect(t, "accepted", stats.Accepted, 1)
	<-closed
	waitUntil(t, "freed", func() bool { return client.handle.refs.Load() == 0 })
	expect(t, "accepted when closed", client.Stats().Accepted, 1)
}

func TestGoroutinesMayMoveBetweenThreads(t *testing.T) {
	server := startCollector(t)
	client := newClient(t, optionsFor(server.URL))
	const goroutines, events = 20, 50
	var all sync.WaitGroup
	for number := range goroutines {
		all.Add(1)
		go func() {
			defer all.Done()
			if number%4 == 0 {
				runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
			}
			for range events {
				expect(t, "track", client.MockServerStarted(), OK)
				runtime.Gosched()
			}
		}()
	}
	all.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), collector.Patience)
	defer cancel()
	if err := client.Flush(ctx); err != nil {
		t.Error(err)
	}
	expect(t, "arrived", arrived(t, server), goroutines*events)
}

func TestTwoThousandDroppedClientsAreFreedAndTheirEventsArrive(t *testing.T) {
	server := startCollector(t)
	const clients = 2000
	handles := make([]*handle, clients)
	for i := range handles {
		client := New(optionsFor(server.URL))
		handles[i] = client.handle
		expect(t, "track", client.PactsVerified(i), OK)
	}
	waitUntil(t, "all are freed", func() bool {
		runtime.GC()
		for _, h := range handles {
			if h.refs.Load() != 0 {
				return false
			}
		}
		return true
	})
	// A flush waits only for the events of its own client, so the test waits until all have arrived.
	for range clients {
		nextEvent(t, server)
	}
}

func waitUntil(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(collector.Patience); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", collector.Patience, what)
		}
	}
}

func init() {
	programs["close"] = func() {
		client := programClient()
		ctx, cancel := context.WithTimeout(context.Background(), collector.Patience)
		defer cancel()
		fmt.Println(client.PactsVerified(1), client.Shutdown(ctx))
		os.Exit(0)
	}
	programs["persist and exit"] = func() {
		client := programClient()
		fmt.Println(client.PactsVerified(7), client.Persist(context.Background()))
		os.Exit(0)
	}
	programs["three events and exit"] = func() {
		client := programClient()
		fmt.Println(client.PactsVerified(7), client.PactsVerified(7), client.PactsVerified(7))
		os.Exit(0)
	}
	programs["two thousand events"] = func() {
		client := programClient()
		for range 2_000 {
			client.PactsVerified(1)
		}
		waited := time.Duration(waitedForDisk.Load())
		// The last wait may begin just before the time is used up.
		if limit := 2*diskWait + time.Since(processStart)/100; waited == 0 || waited > limit {
			fmt.Printf("Track waited %v for the disk, not between 0 and %v", waited, limit)
		}
		fmt.Println("ok")
	}
	programs["exit at once"] = func() {
		fmt.Println(programClient().PactsVerified(1))
		os.Exit(0)
	}
	programs["return at once"] = func() {
		fmt.Println(programClient().PactsVerified(1))
	}
	programs["exit while others track"] = func() {
		client := programClient()
		for range 8 {
			go func() {
				for {
					client.PactsVerified(1)
				}
			}()
		}
		time.Sleep(20 * time.Millisecond)
		fmt.Println("ok")
		os.Exit(0)
	}
}

func TestTrackDoesNotWaitForTheDiskForLong(t *testing.T) {
	expect(t, "program", runProgram(t, ownBinary(t), "two thousand events"), "ok")
}

func TestWhatWasTrackedBeforeTheExitArrivesWithTheNextProcess(t *testing.T) {
	server := startCollector(t)
	own := ownBinary(t)
	const programs, theirValue = 5, "7"
	for range programs {
		expect(t, "persist", runProgram(t, own, "persist and exit", "PACT_TELEMETRY_ENDPOINT="+server.URL), "ok <nil>")
		expect(t, "track", runProgram(t, own, "three events and exit", "PACT_TELEMETRY_ENDPOINT="+server.URL), "ok ok ok")
	}
	// On a busy machine the disk may take longer than Track waits.
	const atLeast = programs + programs*3*2/3
	// For some seconds a batch belongs to the process that wrote it, and another process does not send it.
	for found, end := 0, time.Now().Add(collector.Patience); found < atLeast; {
		if time.Now().After(end) {
			t.Fatalf("only %d of %d arrived", found, programs*4)
		}
		expect(t, "close", runProgram(t, own, "close", "PACT_TELEMETRY_ENDPOINT="+server.URL), "ok <nil>")
		for own := false; !own; {
			value := nextEvent(t, server).Fields["value"]
			own = value != theirValue
			if !own {
				found++
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func TestAnEventArrivesAfterACloseAndAProgramThatOnlyExitsIsNotDelayed(t *testing.T) {
	server := startCollector(t)
	own := ownBinary(t)
	expect(t, "close", runProgram(t, own, "close", "PACT_TELEMETRY_ENDPOINT="+server.URL), "ok <nil>")
	expect(t, "value", nextEvent(t, server).Fields["value"], "1")

	hanging := startCollector(t, "--answers", "hang*")
	for _, name := range []string{"exit at once", "return at once", "exit while others track"} {
		start := time.Now()
		expect(t, name, runProgram(t, own, name, "PACT_TELEMETRY_ENDPOINT="+hanging.URL), "ok")
		// Go runs no exit handlers, so nothing may wait for the server that hangs.
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s took %v", name, took)
		}
	}
}
