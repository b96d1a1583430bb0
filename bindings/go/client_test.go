//go:build cgo || pact_telemetry_purego

package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pact-foundation/pact-telemetry/bindings/go/internal/native"
)

func TestTheFourEventsArriveWithTheIdentityOfTheLibraryThatReports(t *testing.T) {
	collector := startCollector(t)
	client := newClient(t, optionsFor(collector.URL))
	for _, outcome := range []Outcome{
		client.ConsumerTestsRan(4), client.PactsVerified(3), client.PluginLoaded("protobuf", "0.3.15"),
		client.MockServerStarted(),
	} {
		expect(t, "track", outcome, OK)
	}
	if err := client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []map[string]string{
		{"event": "Pact consumer tests ran", "category": "ConsumerTest", "action": "Completed", "value": "4"},
		{"event": "Pacts verified", "category": "ProviderTest", "action": "Completed", "value": "3"},
		{"event": "Plugin loaded", "category": "Plugin", "action": "Loaded", "value": "1", "plugin_name": "protobuf",
			"plugin_version": "0.3.15"},
		{"event": "Pact mock server started", "category": "ConsumerTest", "action": "MockServerStarted", "value": "1"},
	} {
		want["library_name"], want["library_title"], want["library_version"] = "pact-go", "Pact Go", "1.2.3"
		want["test_framework"] = "go test"
		want["platform_version"] = "Go " + strings.Fields(strings.TrimPrefix(runtime.Version(), "go"))[0]
		event := nextEvent(t, collector)
		for field, value := range want {
			expect(t, want["event"]+" "+field, event.Fields[field], value)
		}
		if want["plugin_name"] == "" && event.Fields["plugin_name"] != "" {
			t.Errorf("%s has a plugin: %v", want["event"], event.Fields)
		}
	}
}

func TestOptionsOverruleWhatWasDetected(t *testing.T) {
	options := optionsFor(nowhere)
	options.TestFramework, options.PlatformVersion, options.DataSource = "Ginkgo", "TinyGo 1", DataSourceCLI
	body := newClient(t, options).Preview(Event{Name: "a", Category: "b", Action: "c"}).Body
	for _, text := range []string{"Ginkgo", "TinyGo 1", "cli"} {
		if !strings.Contains(body, `"`+text+`"`) {
			t.Errorf("no %s in %s", text, body)
		}
	}
}

func TestEveryOptionReachesTheLibraryUnderItsKey(t *testing.T) {
	off, wait := false, 4*time.Millisecond+1
	all := Options{
		Library: Library{ID: "a", Name: "b", Version: "c"}, DataSource: DataSourceBroker, TestFramework: "d",
		PlatformVersion: "e", Enabled: &off, Protocol: ProtocolUniversalAnalytics, Endpoint: nowhere,
		MeasurementID: "G-1", APISecret: "s", TrackingID: "UA-1-1", QueueCapacity: 7,
		StateDir: t.TempDir(), ExitTimeout: &wait,
		Notice: NoticeHost, ID: IDRandom, More: map[string]any{"not_a_key": 1},
	}
	client := newClient(t, all)
	explained := client.Explain()
	// The library names each key that it does not know, which is only the last one.
	if len(explained.Diagnostics) != 1 || !strings.Contains(explained.Diagnostics[0], "not_a_key") {
		t.Errorf("diagnostics: %v", explained.Diagnostics)
	}
	expect(t, "exit timeout", explained.ExitTimeout, 5*time.Millisecond)
	expect(t, "queue capacity", explained.QueueCapacity, 7)
	expect(t, "protocol", explained.Protocol, ProtocolUniversalAnalytics)
	expect(t, "identifier", explained.ID, IDRandom)
	expect(t, "state", explained.State, StateDisabled)
	expect(t, "decided by", explained.DecidedBy, "host")
	expect(t, "track of a client that the program turned off", client.PactsVerified(1), Disabled)
}

func TestAProgramThatShowsTheNoticeFindsItAndNothingLeavesBeforeItWasShown(t *testing.T) {
	folder, err := os.MkdirTemp("", "state") // not t.TempDir, which fails if the library writes there meanwhile
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	t.Setenv("PACT_TELEMETRY_STATE_DIR", folder)
	collector := startCollector(t)
	options := optionsFor(collector.URL)
	options.Notice, options.ID = NoticeHost, IDRandom
	client := newClient(t, options)
	explained := client.Explain()
	expect(t, "identifier", explained.ID, IDRandom)
	expect(t, "shown", explained.Notice.Shown.IsZero(), true)
	expect(t, "text", strings.Contains(explained.Notice.Text, "PACT_DO_NOT_TRACK"), true)
	expect(t, "track", client.PactsVerified(1), OK)
	if err := client.Close(); err != nil {
		t.Error(err)
	}
	expect(t, "arrived", arrived(t, collector), 0)
}

func TestWrongOptionsMakeANoOpThatNamesTheKey(t *testing.T) {
	for key, change := range map[string]func(*Options){
		"library.id":     func(o *Options) { o.Library.ID = "" },
		"protocol":       func(o *Options) { o.Protocol = "carrier pigeon" },
		"endpoint":       func(o *Options) { o.Endpoint = "http://example.com" },
		"queue_capacity": func(o *Options) { o.QueueCapacity = -1 },
		"notice":         func(o *Options) { o.Notice = "never" },
		"`id`":           func(o *Options) { o.ID = "mac" },
		"enabled":        func(o *Options) { o.More = map[string]any{"enabled": "maybe"} },
		"json":           func(o *Options) { o.More = map[string]any{"x": func() {}} },
	} {
		options := optionsFor(nowhere)
		change(&options)
		client := New(options)
		if !strings.Contains(client.UnavailableReason(), key) {
			t.Errorf("%s: %q", key, client.UnavailableReason())
		}
		expectNoOp(t, client)
	}
}

func TestAClientThatIsNilOrWasNotMadeByNewIsANoOp(t *testing.T) {
	var absent *Client
	expectNoOp(t, absent)
	expectNoOp(t, &Client{})
}

func expectNoOp(t *testing.T, client *Client) {
	t.Helper()
	reason := client.UnavailableReason()
	if reason == "" {
		t.Error("no reason")
	}
	expect(t, "track", client.PactsVerified(1), Unavailable)
	expect(t, "track", client.PactsVerified(1).String(), "unavailable")
	expect(t, "set enabled", client.SetEnabled(true), Unavailable)
	expect(t, "enabled", client.Enabled(), false)
	expect(t, "flush", client.Flush(t.Context()), nil)
	for _, answer := range []Answer{client.Explain().Answer, client.Stats().Answer, client.Preview(Event{}).Answer} {
		if answer.Outcome != Unavailable || answer.Reason != reason || answer.JSON != nil {
			t.Errorf("%+v", answer)
		}
	}
	expect(t, "state", client.Explain().State, StateUnavailable)
	expect(t, "persist", client.Persist(t.Context()), nil)
	expect(t, "close", client.Close(), nil)
	expect(t, "close again", client.Close(), nil)
}

func TestTrackHasAnOutcomeForEveryInput(t *testing.T) {
	client := newClient(t, optionsFor(nowhere))
	for _, c := range []struct {
		name    string
		event   Event
		outcome Outcome
	}{
		{"zero value", Event{}, ErrorEmpty},
		{"blank", Event{Name: " ", Category: "b", Action: "c"}, ErrorEmpty},
		{"below zero", Event{Name: "a", Category: "b", Action: "c", Value: -1}, ErrorRange},
		{"not UTF-8", Event{Name: "a\xc3\x28", Category: "b", Action: "c"}, ErrorUTF8},
		{"a path", Event{Name: "a", Category: "/home/ann/x", Action: "c"}, ErrorForbidden},
		{"NUL in the name", Event{Name: "a\x00b", Category: "b", Action: "c"}, ErrorForbidden},
		{"NUL in a version", Event{Name: "a", Category: "b", Action: "c", PluginVersion: "\x00"}, ErrorForbidden},
		{"a megabyte", Event{Name: strings.Repeat("a", 1<<20), Category: "b", Action: "c"}, ErrorTooLong},
	} {
		expect(t, c.name, client.Track(c.event), c.outcome)
		expect(t, c.name+" previewed", client.Preview(c.event).Outcome, c.outcome)
		if !c.outcome.Failed() {
			t.Errorf("%v is not an error", c.outcome)
		}
	}
	expect(t, "counted as invalid", client.Stats().NotAccepted[RefusedInvalid], 8)
}

func TestTheLongestTextsReachTheLibraryComplete(t *testing.T) {
	client := newClient(t, optionsFor(nowhere))
	// The texts do not fit the buffer on the stack, and have letters of their own, so that a wrong offset is found.
	long := func(letter string, length int) string { return strings.Repeat(letter, length) }
	event := Event{
		Name: long("n", 500), Category: long("c", 150), Action: long("a", 500), Value: 1,
		PluginName: long("p", 150), PluginVersion: long("v", 150),
	}
	expect(t, "track", client.Track(event), OK)
	options := optionsFor(nowhere)
	options.Protocol, options.TrackingID = ProtocolUniversalAnalytics, "UA-1-1" // this protocol does not cut the texts
	body := newClient(t, options).Preview(event).Body
	for _, field := range []string{
		"el=" + event.Name, "ec=" + event.Category, "ea=" + event.Action, "cd4=" + event.PluginName,
		"cd5=" + event.PluginVersion,
	} {
		if !strings.Contains(body+"&", field+"&") {
			t.Errorf("no %s in %s", field, body)
		}
	}
}

func TestPreviewSendsNothing(t *testing.T) {
	collector := startCollector(t)
	client := newClient(t, optionsFor(collector.URL))
	request := client.Preview(Event{Name: "a", Category: "b", Action: "c", Value: 5})
	expect(t, "method", request.Method, "POST")
	if !strings.HasPrefix(request.URL, collector.URL) || !strings.Contains(request.Body, `"metric_value":5`) {
		t.Errorf("%+v", request)
	}
	if err := client.Close(); err != nil {
		t.Error(err)
	}
	expect(t, "arrived", arrived(t, collector), 0)
}

func TestTheProgramTurnsTheClientOffAndOn(t *testing.T) {
	collector := startCollector(t)
	client := newClient(t, optionsFor(collector.URL))
	expect(t, "enabled", client.Enabled(), true)
	expect(t, "off", client.SetEnabled(false), OK)
	expect(t, "enabled when off", client.Enabled(), false)
	expect(t, "track when off", client.PactsVerified(1), Disabled)
	expect(t, "on", client.SetEnabled(true), OK)
	expect(t, "track when on", client.PactsVerified(2), OK)
	if err := client.Close(); err != nil {
		t.Error(err)
	}
	expect(t, "value", nextEvent(t, collector).Fields["value"], "2")
	expect(t, "more that arrived", arrived(t, collector), 0)
}

func TestFlushEndsWithItsContext(t *testing.T) {
	collector := startCollector(t, "--answers", "hang*")
	client := newClient(t, optionsFor(collector.URL))
	expect(t, "track", client.PactsVerified(1), OK)

	cancelled, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	expectTimeout(t, context.Canceled, func() error { return client.Flush(cancelled) })
	expectTimeout(t, context.Canceled, func() error { return client.Flush(cancelled) })
	deadline, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	expectTimeout(t, context.DeadlineExceeded, func() error { return client.Flush(deadline) })
	expectTimeout(t, context.DeadlineExceeded, func() error { return client.Flush(context.Background()) })
	expectTimeout(t, context.Canceled, func() error { return client.Shutdown(cancelled) })
}

func expectTimeout(t *testing.T, cause error, wait func() error) {
	t.Helper()
	start := time.Now()
	err := wait()
	var failure *Error
	if !errors.As(err, &failure) || failure.Outcome != ErrorTimeout {
		t.Errorf("got %v, want a time-out", err)
	}
	// If both deadlines end together, either may be first.
	if cause == context.Canceled && !errors.Is(err, cause) && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", errors.Unwrap(err), cause)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

// With cgo, os.Setenv also changes the environment of the process, in new memory: Go never changes a variable in place.
func TestALateOptOutBySetenvHolds(t *testing.T) {
	collector := startCollector(t)
	client := newClient(t, optionsFor(collector.URL))
	for _, name := range []string{"PACT_DO_NOT_TRACK", "pact_do_not_track", "DO_NOT_TRACK"} {
		expect(t, "track before", client.PactsVerified(1), OK)
		if err := client.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		expect(t, "arrived before", nextEvent(t, collector).Fields["value"], "1")
		t.Setenv(name, "yes")
		expect(t, "track after "+name, client.PactsVerified(2), Disabled)
		expect(t, "enabled after "+name, client.Enabled(), false)
		expect(t, "decided by", client.Explain().DecidedBy, name)
		t.Setenv(name, "false")
		expect(t, "enabled after "+name+"=false", client.Enabled(), true)
	}
	if err := client.Close(); err != nil {
		t.Error(err)
	}
	expect(t, "arrived although opted out", arrived(t, collector), 0)
}

func TestASavedChoiceHolds(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("NOT RUN: this system keeps the choice in another folder")
	}
	config := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", config)
	folder := filepath.Join(config, "pact-telemetry")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "choice.json"), []byte(`{"enabled": false}`), 0o600); err != nil {
		t.Fatal(err)
	}
	client := newClient(t, optionsFor(nowhere))
	expect(t, "track", client.PactsVerified(1), Disabled)
}

func TestTheExampleProgramsWorkAndATestIsRecognised(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("NOT RUN: there is no go command")
	}
	renamed := filepath.Join(t.TempDir(), "renamed")
	for _, c := range []struct {
		command   []string
		events    int
		framework string
	}{
		{[]string{"go", "run", "./examples/fourevents"}, 4, ""},
		// This is a real `go test`, whose TestMain closes the client. The client is made before the flags of the testing
		// package exist.
		{[]string{"go", "test", "-count=1", "./examples/testmain"}, 1, "go test"},
		{[]string{"go", "test", "-c", "-o", renamed, "./examples/testmain"}, 0, ""},
		{[]string{renamed}, 1, "go test"},
	} {
		collector := startCollector(t)
		command := exec.CommandContext(t.Context(), c.command[0], c.command[1:]...)
		command.Env = append(os.Environ(), "PACT_TELEMETRY_ENDPOINT="+collector.URL,
			"PACT_TELEMETRY_MEASUREMENT_ID=G-1", "PACT_TELEMETRY_API_SECRET=secret")
		if output, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", c.command, err, output)
		}
		for range c.events {
			expect(t, "framework", nextEvent(t, collector).Fields["test_framework"], c.framework)
		}
		expect(t, strings.Join(c.command, " ")+", more that arrived", arrived(t, collector), 0)
	}
}

func TestEveryKeyThatTheLibraryWritesHasAField(t *testing.T) {
	client := newClient(t, optionsFor(nowhere))
	for _, c := range []struct {
		text  json.RawMessage
		field any
	}{
		{client.Explain().JSON, &explanationText{}},
		{client.Stats().JSON, &Stats{}},
		{client.Preview(Event{Name: "a", Category: "b", Action: "c"}).JSON, &Request{}},
	} {
		decoder := json.NewDecoder(bytes.NewReader(c.text))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(c.field); err != nil {
			t.Errorf("%T: %v in %s", c.field, err, c.text)
		}
	}
	stats := client.Stats()
	expect(t, "reasons for a drop", len(stats.Dropped), len(dropReasons))
	expect(t, "reasons for a refusal", len(stats.NotAccepted), len(refusalReasons))
}

func TestTheCountersBalanceAndStayAfterClose(t *testing.T) {
	collector := startCollector(t)
	client := newClient(t, optionsFor(collector.URL))
	for range 3 {
		expect(t, "track", client.PactsVerified(1), OK)
	}
	if err := client.Close(); err != nil {
		t.Error(err)
	}
	expect(t, "track when closed", client.PactsVerified(1), Closed)
	stats := client.Stats()
	sum := stats.Delivered + stats.Unconfirmed + stats.Queued + stats.Spooled
	for _, count := range stats.Dropped {
		sum += count
	}
	expect(t, "outcome", stats.Outcome, Closed)
	expect(t, "accepted", stats.Accepted, 3)
	expect(t, "sum", sum, 3)
}

func TestOutcomesAreNamedAsTheLibraryNamesThem(t *testing.T) {
	for outcome, name := range names {
		if outcome != Unavailable {
			want := strings.ToLower(strings.TrimPrefix(native.StatusName(int32(outcome)), "PACT_TELEMETRY_"))
			expect(t, "name", name, want)
		}
	}
	expect(t, "a newer library's", Outcome(99).String(), "outcome 99")
}

// In all these cases events are refused without calling the library, or with a call that costs less than `track`.
func TestWhatIsRefusedIsCountedOnceAndLaterEventsAreTaken(t *testing.T) {
	off := false
	for name, how := range map[string]struct {
		options func(*Options)
		off, on func(*Client)
		then    Outcome
	}{
		"the option":              {options: func(o *Options) { o.Enabled = &off }, on: turnOn, then: OK},
		"the program":             {off: turnOff, on: turnOn, then: OK},
		"the environment":         {options: optOut, on: optIn, then: OK},
		"the environment, later":  {off: func(*Client) { optOut(nil) }, on: optIn, then: OK},
		"both":                    {options: optOut, off: turnOff, on: func(c *Client) { optIn(c); turnOn(c) }, then: OK},
		"both, one of them later": {options: optOut, off: turnOff, on: optIn, then: Disabled},
		"the environment, and no credentials": {
			options: func(o *Options) { optOut(o); o.Endpoint = ""; o.MeasurementID = ""; o.APISecret = "" },
			on:      optIn, then: NotConfigured,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("DO_NOT_TRACK", "")
			options := optionsFor(nowhere)
			if how.options != nil {
				how.options(&options)
			}
			client := newClient(t, options)
			if how.off != nil {
				how.off(client)
			}
			expect(t, "an event with prepared texts", client.PactsVerified(1), Disabled)
			expect(t, "any other event", client.Track(Event{Name: "a", Category: "b", Action: "c"}), Disabled)
			expect(t, "counted", client.Stats().NotAccepted[RefusedDisabled], 2)
			how.on(client)
			expect(t, "afterwards", client.PactsVerified(1), how.then)
			_ = client.Close()
			stats, text := client.Stats(), Stats{}
			if err := json.Unmarshal(stats.JSON, &text); err != nil {
				t.Fatal(err)
			}
			expect(t, "the text", fmt.Sprint(text.NotAccepted), fmt.Sprint(stats.NotAccepted))
			disabled := int64(2)
			if how.then == Disabled {
				disabled++
			}
			expect(t, "counted in the end", stats.NotAccepted[RefusedDisabled], disabled)
			expect(t, "not configured", stats.NotAccepted[RefusedNotConfigured] == 1, how.then == NotConfigured)
			expect(t, "nothing else", stats.NotAccepted[RefusedInvalid], 0)
		})
	}
}

func turnOn(c *Client)  { c.SetEnabled(true) }
func turnOff(c *Client) { c.SetEnabled(false) }
func optIn(*Client)     { _ = os.Unsetenv("DO_NOT_TRACK") }
func optOut(*Options)   { _ = os.Setenv("DO_NOT_TRACK", "1") }

func TestAfterConcurrentCallsOfSetEnabledTheClientAgreesWithTheLibrary(t *testing.T) {
	client := newClient(t, optionsFor(nowhere))
	for range 200 {
		var all sync.WaitGroup
		for number := range 4 {
			all.Add(1)
			go func() {
				defer all.Done()
				client.SetEnabled(number%2 == 0)
			}()
		}
		all.Wait()
		expect(t, "the client agrees with the library", client.PactsVerified(1) != Disabled, client.Enabled())
	}
}
