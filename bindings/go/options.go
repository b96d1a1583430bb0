package telemetry

import (
	"encoding/json"
	"maps"
	"runtime"
	"strings"
	"testing"
)

// Library is the Pact library that reports.
type Library struct {
	ID      string `json:"id"`      // machine name, such as "pact-go"
	Name    string `json:"name"`    // human name, such as "Pact Go"
	Version string `json:"version"` // its version
}

// Options are the keys of the library's config, which checks them. All but Library may be left out.
type Options struct {
	Library Library `json:"library"`
	// DataSource is one of the constants; DataSourceClient where empty.
	DataSource string `json:"data_source,omitempty"`
	// TestFramework is "go test" in a test where empty.
	TestFramework string `json:"test_framework,omitempty"`
	// PlatformVersion is that of Go ("Go 1.26.1") where empty.
	PlatformVersion string `json:"platform_version,omitempty"`
	// Enabled is the host's own switch; false cannot be overruled, nil is true.
	Enabled *bool `json:"enabled,omitempty"`
	// Protocol is "ga4" (also where empty), "universal-analytics" or "otlp".
	Protocol string `json:"protocol,omitempty"`
	Endpoint string `json:"endpoint,omitempty"`
	// MeasurementID and APISecret are the credentials of Google Analytics 4, TrackingID of Universal Analytics.
	MeasurementID string `json:"measurement_id,omitempty"`
	APISecret     string `json:"api_secret,omitempty"`
	TrackingID    string `json:"tracking_id,omitempty"`
	// QueueCapacity is how many events of this client may wait.
	QueueCapacity int `json:"queue_capacity,omitempty"`
	// StateDir is an absolute path.
	StateDir string `json:"state_dir,omitempty"`
	// ExitTimeoutMS limits the wait of C's exit handler, which a Go program runs only as a library of a C program.
	ExitTimeoutMS *int `json:"exit_timeout_ms,omitempty"`
	// Notice is who tells the person, once, before anything leaves the machine: "stderr" (also where empty) is the
	// library; "host" is this program, which finds the text in Explain (notice.text), and then makes clients with "shown".
	Notice string `json:"notice,omitempty"`
	// ID is what stands for the machine: "hostname" (the digest of its name, also where empty) or "random".
	ID string `json:"id,omitempty"`
	// More holds further keys of the config, for a library newer than this package. They win over the fields.
	More map[string]any `json:"-"`
}

// config is the options as the library reads them, with what this process knows of itself filled in.
func (o Options) config() ([]byte, error) {
	if o.PlatformVersion == "" {
		o.PlatformVersion = platformVersion(runtime.Version())
	}
	if o.TestFramework == "" && testing.Testing() {
		o.TestFramework = "go test"
	}
	text, err := json.Marshal(o)
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
