// Package collector runs the real collector (`pact-telemetry collect`) for the tests and the bench of this module.
package collector

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Patience is long enough for a busy machine. Nothing waits this long unless it fails.
const Patience = 30 * time.Second

// Event is an event that arrived.
type Event struct {
	Type     string            `json:"type"`
	Fields   map[string]string `json:"fields"`
	Problems []any             `json:"problems"`
}

// Collector is a running collector.
type Collector struct {
	URL     string
	process *exec.Cmd
	events  chan Event
}

// Prepare gives this process an environment without the choices of the person and the machine: without an opt-out, a
// proxy or a saved choice. The state is kept in the folder. The library and the command are those built in this tree
// unless the environment names others.
func Prepare(folder string) error {
	_, source, _, _ := runtime.Caller(0)
	root := filepath.Join(filepath.Dir(source), "..", "..", "..", "..")
	settings := map[string]string{
		"PACT_TELEMETRY_LIBRARY": filepath.Join(root, "build", "lib", "libpact_telemetry.so"),
		"PACT_TELEMETRY_COMMAND": filepath.Join(root, "target", "debug", "pact-telemetry"),
	}
	for _, setting := range os.Environ() {
		name, value, _ := strings.Cut(setting, "=")
		upper := strings.ToUpper(name)
		if _, ours := settings[name]; ours {
			if value != "" {
				settings[name] = value
			}
			continue
		}
		if strings.HasPrefix(upper, "PACT_") || strings.HasSuffix(upper, "_PROXY") || name == "DO_NOT_TRACK" {
			if err := os.Unsetenv(name); err != nil {
				return err
			}
		}
	}
	settings["PACT_TELEMETRY_STATE_DIR"] = filepath.Join(folder, "state")
	settings["XDG_CONFIG_HOME"] = filepath.Join(folder, "config")
	settings["XDG_STATE_HOME"] = filepath.Join(folder, "xdg-state")
	settings["CI"] = "true" // so that the tests behave the same everywhere
	// The notice was shown before, so nothing is held back and nothing is printed on standard error.
	if err := os.Mkdir(settings["PACT_TELEMETRY_STATE_DIR"], 0o700); err != nil {
		return err
	}
	notice := filepath.Join(settings["PACT_TELEMETRY_STATE_DIR"], "notice.json")
	if err := os.WriteFile(notice, []byte(`{"shown_ms":1}`), 0o600); err != nil {
		return err
	}
	for name, value := range settings {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	return nil
}

// Start runs a collector with these arguments.
func Start(arguments ...string) (*Collector, error) {
	process := exec.Command(os.Getenv("PACT_TELEMETRY_COMMAND"), append([]string{"collect"}, arguments...)...)
	output, err := process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := process.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(output)
	lines.Buffer(nil, 1<<20)
	var first struct{ URL string }
	if !lines.Scan() {
		return nil, errors.New("the collector said nothing")
	}
	if err := json.Unmarshal(lines.Bytes(), &first); err != nil {
		return nil, err
	}
	c := &Collector{URL: first.URL, process: process, events: make(chan Event, 1<<16)}
	go func() {
		defer close(c.events)
		for lines.Scan() {
			var e Event
			if json.Unmarshal(lines.Bytes(), &e) == nil && e.Type == "event" {
				select {
				case c.events <- e:
				default: // a benchmark reads no events, and the collector must not wait for it
				}
			}
		}
	}()
	return c, nil
}

// Next waits for the next event that arrives, and returns it.
func (c *Collector) Next() (Event, error) {
	select {
	case e, open := <-c.events:
		if !open {
			return e, errors.New("the collector ended")
		}
		return e, nil
	case <-time.After(Patience):
		return Event{}, fmt.Errorf("no event arrived within %v", Patience)
	}
}

// Stop ends the collector and returns how many events arrived that Next did not return.
func (c *Collector) Stop() (int, error) {
	// The collector prints all that it received before an interrupt ends it.
	if err := c.process.Process.Signal(os.Interrupt); err != nil {
		return 0, err
	}
	left := 0
	for range c.events {
		left++
	}
	_ = c.process.Wait() // exec reports the end by a signal as an error, but here it is expected
	return left, nil
}
