package unpack

import (
	"errors"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"
)

// Flags of memfd_create. The second one is needed if the kernel forbids executable memory files by default
// (vm.memfd_noexec).
const (
	memfdCloseOnExec = 0x1
	memfdExecutable  = 0x10
)

// memfdCreate is the number of the system call, which the syscall package does not have.
var memfdCreate = map[string]uintptr{"amd64": 319, "arm64": 279}[runtime.GOARCH]

// InMemory puts the content into a file that exists only in memory, and returns the path by which this process opens
// it. The file exists until closeFile is called and nothing has it mapped.
func InMemory(name, content string) (path string, closeFile func(), err error) {
	if memfdCreate == 0 {
		return "", nil, errors.ErrUnsupported
	}
	if err := allowed(len(content)); err != nil {
		return "", nil, err
	}
	text, err := syscall.BytePtrFromString(name)
	if err != nil {
		return "", nil, err
	}
	create := func(flags uintptr) (uintptr, syscall.Errno) {
		descriptor, _, code := syscall.Syscall(memfdCreate, uintptr(unsafe.Pointer(text)), flags, 0)
		return descriptor, code
	}
	descriptor, code := create(memfdCloseOnExec | memfdExecutable)
	if code == syscall.EINVAL { // Linux before 6.3 has no such flag and does not need it
		descriptor, code = create(memfdCloseOnExec)
	}
	if code != 0 {
		return "", nil, os.NewSyscallError("memfd_create", code)
	}
	file := os.NewFile(descriptor, name)
	if _, err := file.WriteString(content); err != nil {
		_ = file.Close()
		return "", nil, err
	}
	return "/proc/self/fd/" + strconv.FormatUint(uint64(descriptor), 10), func() { _ = file.Close() }, nil
}
