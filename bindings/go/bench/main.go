// Command bench measures what one Track costs, and how much of that is the work of this package itself:
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
	rounds = 100
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
	off := false
	options.Enabled = &off
	turnedOff := telemetry.New(options)
	bareOff := native.New(&[]byte(config[:1] + `"enabled": false, ` + config[1:])[0], nil, 0)
	other := telemetry.Event{
		Name: "Another event", Category: telemetry.CategoryProviderTest, Action: telemetry.ActionCompleted, Value: 3,
	}
	rows := []*row{
		{name: "PactsVerified, accepted", want: native.OK,
			call: func() int32 { return int32(client.PactsVerified(3)) }},
		{name: "Track of another event, accepted", want: native.OK,
			call: func() int32 { return int32(client.Track(other)) }},
		{name: "bare foreign call, accepted", want: native.OK, call: func() int32 { return foreign(bare) }},
		{name: "PactsVerified, turned off", want: native.Disabled,
			call: func() int32 { return int32(turnedOff.PactsVerified(3)) }},
		{name: "Track of another event, turned off", want: native.Disabled,
			call: func() int32 { return int32(turnedOff.Track(other)) }},
		{name: "bare foreign call, turned off", want: native.Disabled, call: func() int32 { return foreign(bareOff) }},
		{name: "bare foreign call that does nothing", want: native.ErrorNull,
			call: func() int32 { return foreign(nil) }},
	}
	for range rounds {
		// All rows are measured in each round, so that a time in which the machine is busy affects all of them.
		for _, r := range rows {
			r.measure()
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			err := client.Flush(ctx)
			cancel()
			if status := native.Flush(bare, 5000); err != nil || status != native.OK {
				return fmt.Errorf("flush: %v, %s", err, native.StatusName(status))
			}
		}
	}
	native.Free(bare)
	native.Free(bareOff)
	fmt.Printf("median of %d bursts of %d events, one by one, in ns an event\n", rounds, burst)
	const accepted, turned, nothing = 2, 5, 6
	for i, r := range rows {
		floor := rows[nothing]
		if i <= accepted {
			floor = rows[accepted]
		} else if i <= turned {
			floor = rows[turned]
		}
		fmt.Printf("  %-36s %5.0f  over the bare call %5.0f, %.2f of it\n", r.name, r.median(),
			r.median()-floor.median(), r.median()/floor.median())
	}
	return client.Close()
}

// row is one thing that is measured.
type row struct {
	name  string
	want  int32
	call  func() int32
	spent []float64 // nanoseconds of a call, one for each burst
}

func (r *row) measure() {
	start := time.Now()
	for range burst {
		if got := r.call(); got != r.want {
			panic(fmt.Sprintf("%s: status %d instead of %d", r.name, got, r.want))
		}
	}
	r.spent = append(r.spent, float64(time.Since(start).Nanoseconds())/burst)
}

func (r *row) median() float64 {
	sorted := slices.Sorted(slices.Values(r.spent))
	return sorted[len(sorted)/2]
}
