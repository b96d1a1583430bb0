//go:build cgo && !windows && !pact_telemetry_system

package telemetry

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func init() {
	programs["tell the reason"] = func() {
		client := programClient()
		fmt.Printf("%q %v", client.UnavailableReason(), client.PactsVerified(1))
	}
}

const works = `"" ok`

func reasonWith(t *testing.T, library string, environment ...string) string {
	t.Helper()
	return runProgram(t, ownBinary(t), "tell the reason", append(environment,
		"PACT_TELEMETRY_ENDPOINT="+nowhere, "PACT_TELEMETRY_LIBRARY="+library)...)
}

func TestTheVariableNamesTheLibraryAndNothingElseIsTried(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing.so")
	// The system's would be found by the dynamic linker.
	answer := reasonWith(t, path, "LD_LIBRARY_PATH="+systemFolder(t))
	if !strings.Contains(answer, path) || !strings.HasSuffix(answer, "unavailable") {
		t.Error(answer)
	}
}

func TestAFileThatIsNoLibraryIsAReason(t *testing.T) {
	folder := t.TempDir()
	header := elf.Header64{Type: uint16(elf.ET_DYN), Machine: uint16(elf.EM_S390), Version: 1, Ehsize: 64}
	copy(header.Ident[:], elf.ELFMAG+"\x02\x01\x01")
	var machine strings.Builder
	if err := binary.Write(&machine, binary.LittleEndian, header); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"text":    "this is not a library\n",
		"empty":   "",
		"machine": machine.String() + strings.Repeat("\x00", 4096),
	} {
		path := filepath.Join(folder, name+".so")
		if err := os.WriteFile(path, []byte(content), 0o700); err != nil {
			t.Fatal(err)
		}
		answer := reasonWith(t, path)
		if !strings.Contains(answer, path) || !strings.HasSuffix(answer, "unavailable") {
			t.Errorf("%s: %s", name, answer)
		}
	}
}

func TestAnotherABIOrAnotherLibraryIsAReason(t *testing.T) {
	for source, reason := range map[string]string{
		`#include <stdint.h>
		uint32_t pact_telemetry_abi_version(void) { return 2; }`: "ABI version is 2, this package was written for 1",
		`#include <stdint.h>
		uint32_t pact_telemetry_abi_version(void) { return 1; }`: "no function pact_telemetry_version",
		`int other(void) { return 0; }`: "no function pact_telemetry_abi_version",
	} {
		folder := t.TempDir()
		file, library := filepath.Join(folder, "stub.c"), filepath.Join(folder, "stub.so")
		if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
		if output, err := exec.Command("cc", "-shared", "-fPIC", "-o", library, file).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, output)
		}
		answer := reasonWith(t, library)
		if !strings.Contains(answer, reason) || !strings.HasSuffix(answer, "unavailable") {
			t.Errorf("%s instead of %s", answer, reason)
		}
	}
}

func TestTheBundledFileComesBeforeTheSystems(t *testing.T) {
	folder := t.TempDir()
	binary := filepath.Join(folder, "program")
	copyFile(t, ownBinary(t), binary)
	bundled := filepath.Join(folder, "libpact_telemetry.so")
	copyFile(t, os.Getenv("PACT_TELEMETRY_LIBRARY"), bundled)
	run := func(environment ...string) string {
		return runProgram(t, binary, "tell the reason", append(environment, "PACT_TELEMETRY_ENDPOINT="+nowhere,
			"PACT_TELEMETRY_LIBRARY=")...)
	}
	expect(t, "with a bundled file", run(), works)
	if err := os.Remove(bundled); err != nil {
		t.Fatal(err)
	}
	expect(t, "with the system's", run("LD_LIBRARY_PATH="+systemFolder(t)), works)
}

// systemFolder holds the library under the name that the dynamic linker knows.
func systemFolder(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	copyFile(t, os.Getenv("PACT_TELEMETRY_LIBRARY"), filepath.Join(folder, "libpact_telemetry.so.1"))
	return folder
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, content, 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
}
