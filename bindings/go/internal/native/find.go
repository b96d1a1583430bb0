//go:build windows || (cgo && !pact_telemetry_system) || (!cgo && (darwin || (linux && pact_telemetry_purego)))

package native

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"sync/atomic"

	"github.com/pact-foundation/pact-telemetry/bindings/go/internal/embedded"
	"github.com/pact-foundation/pact-telemetry/bindings/go/internal/unpack"
)

// unpacked is the path of the file that this process wrote to open the library; nil if it wrote none.
var unpacked atomic.Pointer[string]

// Discard removes the file that this process wrote to open the library, if it wrote one, so that no file is left if the
// person has opted out. On Windows the file stays, because an open library cannot be removed there.
func Discard() {
	if path := unpacked.Swap(nil); path != nil {
		unpack.Remove(*path)
	}
}

// load opens the library. If the environment names a file, only that is tried; otherwise the embedded library, and then
// the system's.
func load() error {
	if reason := refusal(); reason != "" {
		return unusable(reason)
	}
	if path := os.Getenv(LibraryVariable); path != "" {
		if err := open(path); err != nil {
			return unusable(about(path, err))
		}
		return nil
	}
	reasons, done := openEmbedded()
	if done {
		return nil
	}
	if name := systemName(); name != "" {
		err := open(name)
		if err == nil {
			return nil
		}
		reasons = append(reasons, about(name, err))
	}
	return unusable(reasons...)
}

// openEmbedded opens the embedded library from memory, or otherwise from a file that only this user can change. It
// returns the reasons if neither is possible.
func openEmbedded() (reasons []string, done bool) {
	library, found := embedded.For(platform())
	if !found {
		return []string{"this build of the module carries no library for " + platform()}, false
	}
	path, closeFile, err := unpack.InMemory(fileName(), library.Content)
	if err == nil {
		err = open(path)
		closeFile()
	}
	if err == nil {
		return nil, true
	}
	reasons = append(reasons, "in memory: "+err.Error())
	for _, folder := range unpack.Places() {
		path, written, err := unpack.Private(folder, library.Digest[:16]+"-"+fileName(), library.Content)
		if err == nil {
			if err = open(path); err == nil {
				if written {
					unpacked.Store(&path)
				}
				return nil, true
			}
			if written {
				unpack.Remove(path)
			}
		}
		reasons = append(reasons, about(folder, err))
	}
	return reasons, false
}

func unusable(reasons ...string) error {
	return errors.New("the pact_telemetry library cannot be used: " + strings.Join(reasons, "; "))
}

// about adds the path to a reason that does not contain it.
func about(path string, err error) string {
	if strings.Contains(err.Error(), path) {
		return err.Error()
	}
	return path + ": " + err.Error()
}

// fileName is the name of the library's file on this system.
func fileName() string {
	switch runtime.GOOS {
	case "darwin", "ios":
		return "libpact_telemetry.dylib"
	case "windows":
		return "pact_telemetry.dll"
	}
	return "libpact_telemetry.so"
}

// systemName is the name by which the dynamic linker finds an installed library. It is empty on Windows, which has no
// folder for such libraries and would also search the current folder.
func systemName() string {
	switch runtime.GOOS {
	case "darwin", "ios":
		return "libpact_telemetry.1.dylib"
	case "windows":
		return ""
	}
	return "libpact_telemetry.so.1"
}

// platform is the name of the platform of this program, as in the library's packages: "linux-x64-gnu", "darwin-arm64".
func platform() string {
	system, machine := runtime.GOOS, runtime.GOARCH
	if system == "windows" {
		system = "win32"
	}
	if machine == "amd64" {
		machine = "x64"
	}
	return system + "-" + machine + libc()
}
