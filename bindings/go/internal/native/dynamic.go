//go:build windows || (!cgo && (darwin || (linux && pact_telemetry_purego)))

package native

import (
	"errors"
	"fmt"
	"math/bits"
	"unsafe"
)

// Client is a client of the library. Only its address is used here.
type Client struct{ _ byte }

// functions are the addresses of the library's functions, in the order of their names below.
var functions struct {
	abiVersion, version, statusName, new, track, setEnabled, isEnabled, explain, preview, stats, persist, flush, close,
	free uintptr
}

func refusal() string {
	if bits.UintSize < 64 { // the value of an event would need two arguments
		return "there is none for 32-bit programs"
	}
	return refusalOfSystem()
}

func open(path string) error {
	handle, err := openLibrary(path)
	if err != nil {
		return err
	}
	find := func(name string, to *uintptr) error {
		address, err := findSymbol(handle, "pact_telemetry_"+name)
		if err != nil || address == 0 {
			return errors.New("no function pact_telemetry_" + name + " in it")
		}
		*to = address
		return nil
	}
	if err := find("abi_version", &functions.abiVersion); err != nil {
		return err
	}
	// The ABI is checked before the other functions are looked up: another ABI may lack them, and it is the better reason.
	if found := ABIVersion(); found != ABI {
		return fmt.Errorf("its ABI version is %d, this package was written for %d", found, ABI)
	}
	for _, function := range []struct {
		name string
		to   *uintptr
	}{
		{"version", &functions.version}, {"status_name", &functions.statusName}, {"new", &functions.new},
		{"track", &functions.track}, {"set_enabled", &functions.setEnabled}, {"is_enabled", &functions.isEnabled},
		{"explain", &functions.explain}, {"preview", &functions.preview}, {"stats", &functions.stats},
		{"persist", &functions.persist}, {"flush", &functions.flush}, {"close", &functions.close},
		{"free", &functions.free},
	} {
		if err := find(function.name, function.to); err != nil {
			return err
		}
	}
	return nil
}

// text copies a NUL-terminated text of the library that is never freed.
func text(address uintptr) string {
	start := *(**byte)(unsafe.Pointer(&address))
	if start == nil {
		return ""
	}
	length := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(start), length)) != 0 {
		length++
	}
	return string(unsafe.Slice(start, length))
}

// The pointers are converted in the argument lists of the calls, because only there Go keeps what they point to in
// place.

func ABIVersion() uint32 {
	return uint32(call(functions.abiVersion))
}

func Version() string {
	return text(call(functions.version))
}

func StatusName(status int32) string {
	return text(call(functions.statusName, uintptr(status)))
}

func New(configJSON *byte, reason *byte, reasonCapacity uint32) *Client {
	client := call(functions.new, uintptr(unsafe.Pointer(configJSON)), uintptr(unsafe.Pointer(reason)),
		uintptr(reasonCapacity))
	return *(**Client)(unsafe.Pointer(&client))
}

func Track(client *Client, event, category, action *byte, value int64, pluginName, pluginVersion *byte) int32 {
	return int32(call(functions.track, uintptr(unsafe.Pointer(client)), uintptr(unsafe.Pointer(event)),
		uintptr(unsafe.Pointer(category)), uintptr(unsafe.Pointer(action)), uintptr(value),
		uintptr(unsafe.Pointer(pluginName)), uintptr(unsafe.Pointer(pluginVersion))))
}

func SetEnabled(client *Client, enabled int32) int32 {
	return int32(call(functions.setEnabled, uintptr(unsafe.Pointer(client)), uintptr(enabled)))
}

func IsEnabled(client *Client) int32 {
	return int32(call(functions.isEnabled, uintptr(unsafe.Pointer(client))))
}

func Explain(client *Client, out *byte, capacity uint32) int32 {
	return int32(call(functions.explain, uintptr(unsafe.Pointer(client)), uintptr(unsafe.Pointer(out)),
		uintptr(capacity)))
}

func Preview(client *Client, event, category, action *byte, value int64, pluginName, pluginVersion *byte, out *byte,
	capacity uint32) int32 {
	return int32(call(functions.preview, uintptr(unsafe.Pointer(client)), uintptr(unsafe.Pointer(event)),
		uintptr(unsafe.Pointer(category)), uintptr(unsafe.Pointer(action)), uintptr(value),
		uintptr(unsafe.Pointer(pluginName)), uintptr(unsafe.Pointer(pluginVersion)), uintptr(unsafe.Pointer(out)),
		uintptr(capacity)))
}

func Stats(client *Client, out *byte, capacity uint32) int32 {
	return int32(call(functions.stats, uintptr(unsafe.Pointer(client)), uintptr(unsafe.Pointer(out)),
		uintptr(capacity)))
}

func Persist(client *Client, timeoutMS uint32) int32 {
	return int32(call(functions.persist, uintptr(unsafe.Pointer(client)), uintptr(timeoutMS)))
}

func Flush(client *Client, timeoutMS uint32) int32 {
	return int32(call(functions.flush, uintptr(unsafe.Pointer(client)), uintptr(timeoutMS)))
}

func Close(client *Client, timeoutMS uint32) int32 {
	return int32(call(functions.close, uintptr(unsafe.Pointer(client)), uintptr(timeoutMS)))
}

func Free(client *Client) {
	call(functions.free, uintptr(unsafe.Pointer(client)))
}
