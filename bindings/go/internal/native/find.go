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

// unpacked is the path of the file that this process wrote; nil if it wrote none.
var unpacked atomic.Pointer[string]

// Discard removes the file that this process wrote to open the library, if it wrote one: where the person has opted
// out, no file is left. On Windows it stays, as an open library cannot be removed there.
func Discard() {
	if path := unpacked.Swap(nil); path != nil {
		unpack.Remove(*path)
	}
}

// load looks in this order: the file that the environment names and nothing else; the embedded library; the system's.
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

// openEmbedded opens the library out of memory, else out of a file of this user's; or answers why it could not.
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

// about names the file that a reason speaks of, unless the reason does so itself.
func about(path string, err error) string {
	if strings.Contains(err.Error(), path) {
		return err.Error()
	}
	return path + ": " + err.Error()
}

// fileName is what the library is called on this system.
func fileName() string {
	switch runtime.GOOS {
	case "darwin", "ios":
		return "libpact_telemetry.dylib"
	case "windows":
		return "pact_telemetry.dll"
	}
	return "libpact_telemetry.so"
}

// systemName is the name under which the dynamic linker finds an installed library. Windows has no folder of its own
// for them, and would also look in the current one.
func systemName() string {
	switch runtime.GOOS {
	case "darwin", "ios":
		return "libpact_telemetry.1.dylib"
	case "windows":
		return ""
	}
	return "libpact_telemetry.so.1"
}

// platform names the one that this program runs on as the library's packages do: "linux-x64-gnu", "darwin-arm64".
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
