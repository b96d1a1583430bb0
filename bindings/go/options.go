package telemetry

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// Library is the Pact library that reports.
type Library struct {
	ID      string `json:"id"`      // short name for programs, such as "pact-go"
	Name    string `json:"name"`    // name for people, such as "Pact Go"
	Version string `json:"version"` // its version
}

// DataSource is what kind of program reports.
type DataSource string

const (
	DataSourceCLI    DataSource = "cli"    // a command line tool
	DataSourceClient DataSource = "client" // a library in a person's tests
	DataSourceBroker DataSource = "broker" // a Pact broker
)

// Protocol is the format of the requests.
type Protocol string

const (
	ProtocolGA4                Protocol = "ga4"
	ProtocolUniversalAnalytics Protocol = "universal-analytics"
	ProtocolOTLP               Protocol = "otlp"
)

// Notice says who shows the notice to the person before anything leaves the machine.
type Notice string

const (
	NoticeStderr Notice = "stderr" // the library shows it
	NoticeHost   Notice = "host"   // this program shows it, with the text of Explanation.Notice
	NoticeShown  Notice = "shown"  // this program has shown it
)

// ID says what identifies the machine.
type ID string

const (
	IDHostname ID = "hostname" // the digest of its name
	IDRandom   ID = "random"   // a random identifier that is kept in the state folder
)

// Options are the keys of the library's config, which checks them. All but Library may be left out.
type Options struct {
	Library Library `json:"library"`
	// DataSource is DataSourceClient if it is empty.
	DataSource DataSource `json:"data_source,omitempty"`
	// TestFramework is "go test" in a test if it is empty.
	TestFramework string `json:"test_framework,omitempty"`
	// PlatformVersion is the version of Go ("Go 1.26.1") if it is empty.
	PlatformVersion string `json:"platform_version,omitempty"`
	// Enabled is the host program's own switch. False turns the client off until [Client.SetEnabled] turns it on; true
	// cannot overrule the person. Nil stands for true.
	Enabled *bool `json:"enabled,omitempty"`
	// Protocol is ProtocolGA4 if it is empty.
	Protocol Protocol `json:"protocol,omitempty"`
	// Endpoint is an https URL, or an http URL of a loopback host. If it is empty, the protocol's own is used.
	Endpoint string `json:"endpoint,omitempty"`
	// MeasurementID and APISecret are the credentials of Google Analytics 4, TrackingID of Universal Analytics.
	MeasurementID string `json:"measurement_id,omitempty"`
	APISecret     string `json:"api_secret,omitempty"`
	TrackingID    string `json:"tracking_id,omitempty"`
	// QueueCapacity is how many events of this client may wait in memory, 1 to 4096; zero stands for 4096.
	QueueCapacity int `json:"queue_capacity,omitempty"`
	// StateDir is the absolute path of the folder in which events wait on disk.
	StateDir string `json:"state_dir,omitempty"`
	// ExitTimeout limits the wait of C's exit handler, which runs in a Go program only if that is a library of a C
	// program. It is rounded up to whole milliseconds, and is at most ten seconds; nil stands for the library's
	// default, zero does not wait.
	ExitTimeout *time.Duration `json:"-"`
	// Notice is NoticeStderr if it is empty.
	Notice Notice `json:"notice,omitempty"`
	// ID is IDHostname if it is empty.
	ID ID `json:"id,omitempty"`
	// More contains further keys of the config, for a library newer than this package. They override the fields.
	More map[string]any `json:"-"`
}

// config is the library's config: the options, with the platform version and the test framework filled in.
func (o Options) config() ([]byte, error) {
	if o.PlatformVersion == "" {
		o.PlatformVersion = platformVersion(runtime.Version())
	}
	if o.TestFramework == "" && inTest() {
		o.TestFramework = "go test"
	}
	keys := struct {
		Options
		ExitTimeoutMS *int64 `json:"exit_timeout_ms,omitempty"`
	}{Options: o}
	if o.ExitTimeout != nil {
		milliseconds := o.ExitTimeout.Milliseconds()
		if *o.ExitTimeout%time.Millisecond > 0 {
			milliseconds++
		}
		keys.ExitTimeoutMS = &milliseconds
	}
	text, err := json.Marshal(keys)
	if err != nil || len(o.More) == 0 {
		return text, err
	}
	var all map[string]any
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, err
	}
	maps.Copy(all, o.More)
	return json.Marshal(all)
}

// inTest says whether this is a binary of `go test`. It does not import the testing package, which would then be part
// of every program that reports. The flags exist only after the package variables were set, and a binary may have any
// name, but its build information names the package that `go test` built.
func inTest() bool {
	name := strings.TrimSuffix(os.Args[0], ".exe")
	if strings.HasSuffix(name, ".test") || flag.Lookup("test.v") != nil {
		return true
	}
	build, known := debug.ReadBuildInfo()
	return known && strings.HasSuffix(build.Path, ".test")
}

// platformVersion makes "Go 1.26.1" from runtime.Version, which is "go1.26.1", with experiments "go1.26.1 X:name", and
// for a build of the sources "devel go1.27-3c2b1a0 <date>".
func platformVersion(version string) string {
	for word := range strings.FieldsSeq(version) {
		if number, found := strings.CutPrefix(word, "go"); found {
			return "Go " + number
		}
	}
	return "Go " + version
}
