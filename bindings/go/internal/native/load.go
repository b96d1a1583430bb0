package native

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// LibraryVariable names the environment variable that says where the library is. Nothing else is tried where it is set.
const LibraryVariable = "PACT_TELEMETRY_LIBRARY"

// Load opens the library at the first call and answers every later one the same.
var Load = sync.OnceValue(func() error {
	var reasons []string
	for _, path := range candidates() {
		err := open(path)
		if err == nil {
			return nil
		}
		reason := err.Error()
		if !strings.HasPrefix(reason, path) { // where the dynamic linker speaks, it names the file itself
			reason = path + ": " + reason
		}
		reasons = append(reasons, reason)
	}
	return errors.New("the pact_telemetry library cannot be used: " + strings.Join(reasons, "; "))
})

// candidates lists where to look, in this order: the environment variable alone, a bundled file, the system.
//
// Bundled means beside the executable, or, in a test alone, in the folder native/ of this module. An embedded copy would
// have to be written to a file (or run from memory, which looks like malware) in each process. The folder of the sources
// is not looked at outside of tests because a program may run on another machine, where anybody could own that path.
func candidates() []string {
	if linked {
		return []string{""}
	}
	if path := os.Getenv(LibraryVariable); path != "" {
		return []string{path}
	}
	file, system := "libpact_telemetry.so", "libpact_telemetry.so.1"
	if runtime.GOOS == "darwin" {
		file, system = "libpact_telemetry.dylib", "libpact_telemetry.1.dylib"
	}
	var paths []string
	if executable, err := os.Executable(); err == nil {
		paths = append(paths, filepath.Join(filepath.Dir(executable), file))
	}
	_, source, _, _ := runtime.Caller(0)
	if testing.Testing() && filepath.IsAbs(source) { // it is not with -trimpath
		paths = append(paths, filepath.Join(filepath.Dir(source), "..", "..", "native", platform(), file))
	}
	return append(paths, system)
}

// platform names this one as the library does: linux-x86_64, macos-aarch64.
func platform() string {
	system, machine := runtime.GOOS, runtime.GOARCH
	if system == "darwin" {
		system = "macos"
	}
	switch machine {
	case "amd64":
		machine = "x86_64"
	case "arm64":
		machine = "aarch64"
	}
	return system + "-" + machine
}
