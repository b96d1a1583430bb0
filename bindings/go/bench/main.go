// Command bench tells what one Track costs, and how much of that is this package's own share:
//
//	go run ./bench
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	telemetry "github.com/pact-foundation/pact-telemetry/bindings/go"
	"github.com/pact-foundation/pact-telemetry/bindings/go/internal/collector"
	"github.com/pact-foundation/pact-telemetry/bindings/go/internal/native"
)

const (
	burst  = 1000
	rounds = 200
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	folder, err := os.MkdirTemp("", "pact-telemetry-go")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if err := collector.Prepare(folder); err != nil {
		return err
	}
	server, err := collector.Start()
	if err != nil {
		return err
	}
	defer func() { _, _ = server.Stop() }()

	options := telemetry.Options{
		Library:  telemetry.Library{ID: "pact-go", Name: "Pact Go", Version: "1.0.0"},
		Endpoint: server.URL, MeasurementID: "G-1", APISecret: "secret",
	}
	client := telemetry.New(options)
	if reason := client.UnavailableReason(); reason != "" {
		return errors.New(reason)
	}
	config := fmt.Sprintf(`{"library": {"id": "pact-go", "name": "Pact Go", "version": "1.0.0"}, "endpoint": %q,
		"measurement_id": "G-1", "api_secret": "secret"}`+"\x00", server.URL)
	bare := native.New(&[]byte(config)[0], nil, 0)

	name, category, action := []byte(telemetry.EventPactsVerified+"\x00"),
		[]byte(telemetry.CategoryProviderTest+"\x00"), []byte(telemetry.ActionCompleted+"\x00")
	foreign := func(client *native.Client) int32 {
		return native.Track(client, &name[0], &category[0], &action[0], 3, nil, nil)
	}
	var public, accepted, nothing []float64
	for range rounds {
		// One after the other in each round, so that a busy spell of the machine hits all three.
		public = append(public, measure(func() int32 { return int32(client.PactsVerified(3)) }, native.OK))
		accepted = append(accepted, measure(func() int32 { return foreign(bare) }, native.OK))
		nothing = append(nothing, measure(func() int32 { return foreign(nil) }, native.ErrorNull))
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		err := client.Flush(ctx)
		cancel()
		if status := native.Flush(bare, 5000); err != nil || status != native.OK {
			return fmt.Errorf("flush: %v, %s", err, native.StatusName(status))
		}
	}
	native.Free(bare)
	fmt.Printf("median of %d bursts of %d events, one by one, in ns an event\n", rounds, burst)
	fmt.Printf("  Track, accepted                         %7.0f\n", median(public))
	fmt.Printf("  bare foreign call, accepted             %7.0f   own share %5.0f\n", median(accepted),
		median(public)-median(accepted))
	fmt.Printf("  bare foreign call that does nothing     %7.0f   difference %4.0f (with the library's work in it)\n",
		median(nothing), median(public)-median(nothing))
	return client.Close()
}

// measure answers what one call costs in nanoseconds within a burst.
func measure(call func() int32, want int32) float64 {
	start := time.Now()
	for range burst {
		if got := call(); got != want {
			panic(fmt.Sprintf("status %d instead of %d", got, want))
		}
	}
	return float64(time.Since(start).Nanoseconds()) / burst
}

func median(figures []float64) float64 {
	sorted := slices.Sorted(slices.Values(figures))
	return sorted[len(sorted)/2]
}
