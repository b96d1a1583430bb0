//go:build !cgo && (darwin || (linux && pact_telemetry_purego))

package native

import (
	"os"
	"runtime"

	"github.com/ebitengine/purego"
)

func refusalOfSystem() string {
	if os.Getuid() != os.Geteuid() || os.Getgid() != os.Getegid() {
		return "this process has more rights than its user (set-user-ID)"
	}
	return ""
}

// libc is glibc on Linux, because purego links the program with the dynamic linker of glibc.
func libc() string {
	if runtime.GOOS == "linux" {
		return "-gnu"
	}
	return ""
}

func openLibrary(path string) (uintptr, error) {
	return purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
}

func findSymbol(library uintptr, name string) (uintptr, error) {
	return purego.Dlsym(library, name)
}

//go:uintptrescapes
func call(function uintptr, arguments ...uintptr) uintptr {
	result, _, _ := purego.SyscallN(function, arguments...)
	return result
}
