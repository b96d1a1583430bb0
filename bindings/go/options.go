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
	ID      string `json:"id"`      // machine name, such as "pact-go"
	Name    string `json:"name"`    // human name, such as "Pact Go"
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

// Notice is who tells the person, before anything leaves the machine.
type Notice string

const (
	NoticeStderr Notice = "stderr" // the library does
	NoticeHost   Notice = "host"   // this program does, with the text of Explanation.Notice
	NoticeShown  Notice = "shown"  // this program did
)

// ID is what stands for the machine.
type ID string

const (
	IDHostname ID = "hostname" // the digest of its name
	IDRandom   ID = "random"   // a random identifier that is kept in the state folder
)

// Options are the keys of the library's config, which checks them. All but Library may be left out.
type Options struct {
	Library Library `json:"library"`
	// DataSource is DataSourceClient where empty.
	DataSource DataSource `json:"data_source,omitempty"`
	// TestFramework is "go test" in a test where empty.
	TestFramework string `json:"test_framework,omitempty"`
	// PlatformVersion is that of Go ("Go 1.26.1") where empty.
	PlatformVersion string `json:"platform_version,omitempty"`
	// Enabled is the host's own switch; false cannot be overruled, nil is true.
	Enabled *bool `json:"enabled,omitempty"`
	// Protocol is ProtocolGA4 where empty.
	Protocol Protocol `json:"protocol,omitempty"`
	Endpoint string   `json:"endpoint,omitempty"`
	// MeasurementID and APISecret are the credentials of Google Analytics 4, TrackingID of Universal Analytics.
	MeasurementID string `json:"measurement_id,omitempty"`
	APISecret     string `json:"api_secret,omitempty"`
	TrackingID    string `json:"tracking_id,omitempty"`
	// QueueCapacity is how many events of this client may wait.
	QueueCapacity int `json:"queue_capacity,omitempty"`
	// StateDir is an absolute path.
	StateDir string `json:"state_dir,omitempty"`
	// ExitTimeout limits the wait of C's exit handler, which a Go program runs only as a library of a C program. Whole
	// milliseconds, at most ten seconds; nil is the library's default, zero waits for nothing.
	ExitTimeout *time.Duration `json:"-"`
	// Notice is NoticeStderr where empty.
	Notice Notice `json:"notice,omitempty"`
	// ID is IDHostname where empty.
	ID ID `json:"id,omitempty"`
	// More holds further keys of the config, for a library newer than this package. They win over the fields.
	More map[string]any `json:"-"`
}

// config is the options as the library reads them, with what this process knows of itself filled in.
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

// inTest tells whether this is a binary of `go test`, without the testing package, which would come with every program
// that reports. The flags are there only after the package variables were set, and a binary may have any name, but `go
// test -c` writes the package that it built into it.
func inTest() bool {
	name := strings.TrimSuffix(os.Args[0], ".exe")
	if strings.HasSuffix(name, ".test") || flag.Lookup("test.v") != nil {
		return true
	}
	build, known := debug.ReadBuildInfo()
	return known && strings.HasSuffix(build.Path, ".test")
}

// platformVersion makes "Go 1.26.1" of runtime.Version, which says "go1.26.1", with experiments "go1.26.1 X:name" and
// for a build of the sources "devel go1.27-3c2b1a0 <date>".
func platformVersion(version string) string {
	for word := range strings.FieldsSeq(version) {
		if number, found := strings.CutPrefix(word, "go"); found {
			return "Go " + number
		}
	}
	return "Go " + version
}
