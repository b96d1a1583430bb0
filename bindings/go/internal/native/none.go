//go:build !cgo && !windows && !darwin && !(linux && pact_telemetry_purego)

package native

import "errors"

// Client is never made in this build. Load fails, so none of the functions below is ever called.
type Client struct{}

func load() error {
	return errors.New("the pact_telemetry library cannot be used: Go needs cgo to call it, and this program was built " +
		"without cgo (CGO_ENABLED=0, or no C compiler was found)")
}

func Discard() {}

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

func Persist(client *Client, timeoutMS uint32) int32 { return ErrorInternal }

func Flush(client *Client, timeoutMS uint32) int32 { return ErrorInternal }

func Close(client *Client, timeoutMS uint32) int32 { return ErrorInternal }

func Free(client *Client) {}
