//go:build cgo && !windows

package native

// The library neither calls back into Go nor keeps a pointer, so the annotations below are true, and the texts of an
// event may be on the stack.

/*
#cgo CFLAGS: -Wall -Wextra
#cgo pact_telemetry_system CFLAGS: -DPACT_TELEMETRY_SYSTEM
#cgo pact_telemetry_system pkg-config: pact_telemetry
#cgo !pact_telemetry_system,linux LDFLAGS: -ldl
#cgo noescape pact_telemetry_go_track
#cgo nocallback pact_telemetry_go_track
#cgo noescape pact_telemetry_go_preview
#cgo nocallback pact_telemetry_go_preview

#include "native.h"
*/
import "C"

import (
	"errors"
	"unsafe"
)

// Client is a client of the library. Only its address is used here.
type Client C.PactTelemetry

func refusal() string {
	return C.GoString(C.pact_telemetry_go_refusal())
}

func libc() string {
	return C.GoString(C.pact_telemetry_go_libc())
}

func open(path string) error {
	var reason [1024]byte
	file := append([]byte(path), 0)
	if C.pact_telemetry_go_load(text(&file[0]), ABI, text(&reason[0]), C.uint32_t(len(reason))) != 0 {
		return errors.New(C.GoString(text(&reason[0])))
	}
	return nil
}

func text(bytes *byte) *C.char {
	return (*C.char)(unsafe.Pointer(bytes))
}

func own(client *Client) *C.PactTelemetry {
	return (*C.PactTelemetry)(client)
}

func ABIVersion() uint32 {
	return uint32(C.pact_telemetry_go_abi_version())
}

func Version() string {
	return C.GoString(C.pact_telemetry_go_version())
}

func StatusName(status int32) string {
	return C.GoString(C.pact_telemetry_go_status_name(C.int32_t(status)))
}

func New(configJSON *byte, reason *byte, reasonCapacity uint32) *Client {
	return (*Client)(C.pact_telemetry_go_new(text(configJSON), text(reason), C.uint32_t(reasonCapacity)))
}

func Track(client *Client, event, category, action *byte, value int64, pluginName, pluginVersion *byte) int32 {
	return int32(C.pact_telemetry_go_track(own(client), text(event), text(category), text(action), C.int64_t(value),
		text(pluginName), text(pluginVersion)))
}

func SetEnabled(client *Client, enabled int32) int32 {
	return int32(C.pact_telemetry_go_set_enabled(own(client), C.int32_t(enabled)))
}

func IsEnabled(client *Client) int32 {
	return int32(C.pact_telemetry_go_is_enabled(own(client)))
}

func Explain(client *Client, out *byte, capacity uint32) int32 {
	return int32(C.pact_telemetry_go_explain(own(client), text(out), C.uint32_t(capacity)))
}

func Preview(client *Client, event, category, action *byte, value int64, pluginName, pluginVersion *byte, out *byte,
	capacity uint32) int32 {
	return int32(C.pact_telemetry_go_preview(own(client), text(event), text(category), text(action), C.int64_t(value),
		text(pluginName), text(pluginVersion), text(out), C.uint32_t(capacity)))
}

func Stats(client *Client, out *byte, capacity uint32) int32 {
	return int32(C.pact_telemetry_go_stats(own(client), text(out), C.uint32_t(capacity)))
}

func Persist(client *Client, timeoutMS uint32) int32 {
	return int32(C.pact_telemetry_go_persist(own(client), C.uint32_t(timeoutMS)))
}

func Flush(client *Client, timeoutMS uint32) int32 {
	return int32(C.pact_telemetry_go_flush(own(client), C.uint32_t(timeoutMS)))
}

func Close(client *Client, timeoutMS uint32) int32 {
	return int32(C.pact_telemetry_go_close(own(client), C.uint32_t(timeoutMS)))
}

func Free(client *Client) {
	C.pact_telemetry_go_free(own(client))
}
