//go:build (cgo || pact_telemetry_purego) && !windows && !pact_telemetry_system

package telemetry

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pact-foundation/pact-telemetry/bindings/go/internal/embedded"
)

// embeddedVariable names the file that a program uses as its embedded library, as a packed module would.
const embeddedVariable = "GO_TELEMETRY_TEST_EMBEDDED"

func init() {
	programs["tell the reason"] = func() {
		if path := os.Getenv(embeddedVariable); path != "" {
			content, err := os.ReadFile(path)
			if err != nil {
				panic(err)
			}
			machine := map[string]string{"amd64": "x64"}[runtime.GOARCH]
			if machine == "" {
				machine = runtime.GOARCH
			}
			library := embedded.Library{Content: string(content), Digest: testDigest}
			for _, libc := range []string{"-gnu", "-musl"} {
				embedded.Add("linux-"+machine+libc, library)
			}
		}
		client := programClient()
		fmt.Printf("%q %v", client.UnavailableReason(), client.PactsVerified(1))
	}
}

const works = `"" ok`

// testDigest need not be the real digest: it is used only for the name of the file.
const testDigest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

const unpackedName = "0123456789abcdef-libpact_telemetry.so"

func reasonWith(t *testing.T, library string, environment ...string) string {
	t.Helper()
	return runProgram(t, ownBinary(t), "tell the reason", append(environment,
		"PACT_TELEMETRY_ENDPOINT="+nowhere, "PACT_TELEMETRY_LIBRARY="+library)...)
}

func TestTheVariableNamesTheLibraryAndNothingElseIsTried(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing.so")
	// The dynamic linker would find the system's library.
	answer := reasonWith(t, path, "LD_LIBRARY_PATH="+systemFolder(t))
	if !strings.Contains(answer, path) || !strings.HasSuffix(answer, "unavailable") {
		t.Error(answer)
	}
}

func TestTheReasonForAFileThatIsNotALibrary(t *testing.T) {
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

func TestTheReasonForAnotherABIOrAnotherLibrary(t *testing.T) {
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

func TestTheEmbeddedLibraryIsUsedBeforeTheSystemsAndLeavesNoFile(t *testing.T) {
	onLinux(t)
	home := t.TempDir()
	run := func(environment ...string) string {
		return reasonWith(t, "", append(environment, "HOME="+home, "XDG_CACHE_HOME="+home, "TMPDIR="+home)...)
	}
	bad := filepath.Join(t.TempDir(), "libpact_telemetry.so.1")
	if err := os.WriteFile(bad, []byte("not a library"), 0o700); err != nil {
		t.Fatal(err)
	}
	expect(t, "embedded", run(withEmbedded(), "LD_LIBRARY_PATH="+filepath.Dir(bad)), works)
	if left, err := os.ReadDir(home); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	expect(t, "the system's", run("LD_LIBRARY_PATH="+systemFolder(t)), works)
	if answer := run(); !strings.Contains(answer, "no library for linux-") {
		t.Error(answer)
	}
}

// Without /proc, a file in memory has no path.
const hideProc = "mount -t tmpfs none /proc && "

func TestWithoutMemoryFilesTheLibraryIsAPrivateFileInTheFirstUsableFolder(t *testing.T) {
	temporary := "tmp/pact-telemetry-library-" + strconv.Itoa(os.Geteuid())
	const noexec = `mount -t tmpfs -o noexec none "$XDG_CACHE_HOME" && `
	for _, c := range []struct {
		name, shell string
		prepare     func(t *testing.T, cache string)
		folder      string // the folder of the library afterwards
	}{
		{name: "the cache", folder: "cache/pact-telemetry-library"},
		{name: "noexec", shell: noexec, folder: temporary},
		{
			name: "a link in its place", folder: temporary,
			prepare: func(t *testing.T, cache string) {
				check(t, os.Symlink(t.TempDir(), filepath.Join(cache, "pact-telemetry-library")))
			},
		},
		{
			name: "a folder that others read", folder: temporary,
			prepare: func(t *testing.T, cache string) {
				check(t, os.Mkdir(filepath.Join(cache, "pact-telemetry-library"), 0o755))
			},
		},
		{
			name: "a parent that others change", folder: temporary,
			prepare: func(t *testing.T, cache string) { check(t, os.Chmod(cache, 0o777)) },
		},
		{
			name: "another content in its place", folder: "cache/pact-telemetry-library",
			prepare: func(t *testing.T, cache string) {
				folder := filepath.Join(cache, "pact-telemetry-library")
				check(t, os.Mkdir(folder, 0o700))
				check(t, os.WriteFile(filepath.Join(folder, unpackedName), []byte("not a library"), 0o600))
			},
		},
		{
			name: "a linked file in its place", folder: "cache/pact-telemetry-library",
			prepare: func(t *testing.T, cache string) {
				folder := filepath.Join(cache, "pact-telemetry-library")
				check(t, os.Mkdir(folder, 0o700))
				check(t, os.Symlink(os.Getenv("PACT_TELEMETRY_LIBRARY"), filepath.Join(folder, unpackedName)))
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			home := newHome(t)
			if c.prepare != nil {
				c.prepare(t, filepath.Join(home, "cache"))
			}
			expect(t, "answer", inShell(t, hideProc+c.shell, home), works)
			path := filepath.Join(home, c.folder, unpackedName)
			info, err := os.Lstat(path)
			if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s: %v, %v", path, info, err)
			}
			folder, err := os.Stat(filepath.Dir(path))
			if err != nil || folder.Mode().Perm() != 0o700 {
				t.Errorf("%s: %v, %v", filepath.Dir(path), folder, err)
			}
			// A second process finds the file and does not change it.
			expect(t, "answer of a second process", inShell(t, hideProc+c.shell, home), works)
			if again, err := os.Lstat(path); err != nil || c.shell == "" && !os.SameFile(info, again) {
				t.Errorf("the second process wrote it again: %v", err)
			}
		})
	}
}

func TestOnlyOldLibrariesAreRemoved(t *testing.T) {
	home := newHome(t)
	folder := filepath.Join(home, "cache", "pact-telemetry-library")
	check(t, os.Mkdir(folder, 0o700))
	const old, killed, young, foreign = "00-libpact_telemetry.so", "1.library.tmp", "11-libpact_telemetry.so", "id"
	for _, name := range []string{old, killed, young, foreign} {
		check(t, os.WriteFile(filepath.Join(folder, name), nil, 0o600))
		if age := time.Now().Add(-31 * 24 * time.Hour); name != young {
			check(t, os.Chtimes(filepath.Join(folder, name), age, age))
		}
	}
	expect(t, "answer", inShell(t, hideProc, home), works)
	entries, err := os.ReadDir(folder)
	check(t, err)
	var left []string
	for _, entry := range entries {
		left = append(left, entry.Name())
	}
	expect(t, "left", strings.Join(left, " "), unpackedName+" "+young+" "+foreign)
}

func TestAnOptedOutProcessRemovesTheFileThatItHadToWrite(t *testing.T) {
	home := newHome(t)
	answer := inShell(t, hideProc, home, "PACT_DO_NOT_TRACK=1")
	expect(t, "answer", answer, `"" disabled`)
	for _, folder := range []string{"cache", "tmp"} {
		if left, err := os.ReadDir(filepath.Join(home, folder)); err != nil || len(left) != 0 {
			t.Errorf("left in %s: %v, %v", folder, left, err)
		}
	}
}

func TestASetUserIDProgramLoadsNoLibrary(t *testing.T) {
	onLinux(t)
	if _, err := exec.LookPath("setpriv"); err != nil || os.Geteuid() != 0 {
		t.Skip("NOT RUN: it needs root and setpriv")
	}
	folder, err := os.MkdirTemp("", "pact-telemetry-go")
	check(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	check(t, os.Chmod(folder, 0o755))
	program, library := filepath.Join(folder, "program"), filepath.Join(folder, "library.so")
	copyFile(t, ownBinary(t), program)
	copyFile(t, os.Getenv("PACT_TELEMETRY_LIBRARY"), library)
	check(t, os.Chmod(library, 0o755))
	const another = "65534"
	run := func(mode os.FileMode) string {
		check(t, os.Chmod(program, mode))
		command := exec.CommandContext(t.Context(), "setpriv", "--reuid", another, "--clear-groups", program)
		command.Env = append(os.Environ(), programVariable+"=tell the reason", "PACT_TELEMETRY_LIBRARY="+library,
			"PACT_TELEMETRY_ENDPOINT="+nowhere, "PACT_TELEMETRY_STATE_DIR="+filepath.Join(folder, "state"),
			"XDG_CONFIG_HOME="+folder, "HOME="+folder)
		output, err := command.Output()
		check(t, err)
		return strings.TrimSpace(string(output))
	}
	expect(t, "without the bit", run(0o755), works)
	if answer := run(0o755 | os.ModeSetuid); !strings.Contains(answer, "more rights") {
		t.Error(answer)
	}
}

func TestTheReasonIfNoFileCanBeWritten(t *testing.T) {
	home := newHome(t)
	// The limit is smaller than the library, so a write would end the process by SIGXFSZ.
	answer := inShell(t, "ulimit -f 100; ", home)
	if !strings.Contains(answer, "ulimit -f") || !strings.HasSuffix(answer, "unavailable") {
		t.Error(answer)
	}
}

func newHome(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	for _, name := range []string{"cache", "tmp"} {
		check(t, os.Mkdir(filepath.Join(home, name), 0o700))
	}
	return home
}

func withEmbedded() string {
	return embeddedVariable + "=" + os.Getenv("PACT_TELEMETRY_LIBRARY")
}

// inShell runs these commands and then the program that prints the reason, with mounts of their own.
func inShell(t *testing.T, commands, home string, environment ...string) string {
	t.Helper()
	onLinux(t)
	unshare := []string{"unshare", "-m"}
	if os.Geteuid() != 0 {
		unshare = []string{"unshare", "-rm"}
	}
	if err := exec.Command(unshare[0], unshare[1], "mount", "-t", "tmpfs", "none", "/proc").Run(); err != nil {
		t.Skipf("NOT RUN: mounts are not permitted here: %v", err)
	}
	command := exec.CommandContext(t.Context(), unshare[0], unshare[1], "sh", "-ec", commands+`exec "$0"`, ownBinary(t))
	command.Env = append(os.Environ(), programVariable+"=tell the reason", withEmbedded(), "PACT_TELEMETRY_LIBRARY=",
		"PACT_TELEMETRY_ENDPOINT="+nowhere, "HOME="+home, "XDG_CACHE_HOME="+filepath.Join(home, "cache"),
		"TMPDIR="+filepath.Join(home, "tmp"))
	command.Env = append(command.Env, environment...)
	var complaints strings.Builder
	command.Stderr = &complaints // the race detector complains about the missing /proc
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", commands, err, complaints.String())
	}
	return strings.TrimSpace(string(output))
}

func onLinux(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("NOT RUN: this test is for Linux only")
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// systemFolder makes a folder with the library under the name that the dynamic linker searches for.
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
