//go:build !cgo || windows

// Package native stands in for the library where it cannot be called. [Load] fails and says why, so nothing else here is
// ever reached.
package native

import "errors"

const linked = true

// Client is never made here.
type Client struct{}

func open(string) error {
	return errors.New("this program was built without cgo (CGO_ENABLED=0, or Windows), by which Go reaches it")
}

func ABIVersion() uint32 { return 0 }

func Version() string { return "" }

func StatusName(status int32) string { return "PACT_TELEMETRY_UNKNOWN" }

func New(configJSON *byte, reason *byte, reasonCapacity uint32) *Client { return nil }

func Track(client *Client, event, category, action *byte, value int64, pluginName, pluginVersion *byte) int32 {
	return ErrorInternal
}

func SetEnabled(client *Client, enabled int32) int32 { return ErrorInternal }

func IsEnabled(client *Client) int32 { return ErrorInternal }

func Explain(client *Client, out *byte, capacity uint32) int32 { return ErrorInternal }

func Preview(client *Client, event, category, action *byte, value int64, pluginName, pluginVersion *byte, out *byte,
	capacity uint32) int32 {
	return ErrorInternal
}

func Stats(client *Client, out *byte, capacity uint32) int32 { return ErrorInternal }

func Flush(client *Client, timeoutMS uint32) int32 { return ErrorInternal }

func Close(client *Client, timeoutMS uint32) int32 { return ErrorInternal }

func Free(client *Client) {}
