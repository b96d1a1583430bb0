package native

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
)

func TestTheVariableAloneThenTheBundledFilesThenTheSystems(t *testing.T) {
	if linked || runtime.GOOS != "linux" {
		t.Skip("no order to test here")
	}
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	module, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	machine := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
	t.Setenv(LibraryVariable, "")
	want := []string{
		filepath.Join(filepath.Dir(executable), "libpact_telemetry.so"),
		filepath.Join(module, "native", "linux-"+machine, "libpact_telemetry.so"),
		"libpact_telemetry.so.1",
	}
	if got := candidates(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	t.Setenv(LibraryVariable, "/a/library.so")
	if got := candidates(); !slices.Equal(got, []string{"/a/library.so"}) {
		t.Errorf("got %v", got)
	}
}
