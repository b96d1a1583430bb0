// Command conformance replays the cases of tests/conformance through the native layer. It reads one JSON object per
// line, and prints one for each.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/pact-foundation/pact-telemetry/bindings/go/internal/native"
)

type testCase struct {
	Name   string `json:"name"`
	Config text   `json:"config"`
	Calls  []call `json:"calls"`
}

type call struct {
	Call          string  `json:"call"`
	Event         text    `json:"event"`
	Category      text    `json:"category"`
	Action        text    `json:"action"`
	Value         int64   `json:"value"`
	PluginName    text    `json:"plugin_name"`
	PluginVersion text    `json:"plugin_version"`
	Capacity      *uint32 `json:"capacity"`
	Enabled       int32   `json:"enabled"`
	TimeoutMS     uint32  `json:"timeout_ms"`
	Status        int32   `json:"status"`
	Name          string  `json:"name"`
	// Setting is the value of setenv. In JSON it has the same key as the number of an event.
	Setting *string `json:"-"`
}

// text is an argument for C: nil, or bytes that end with a NUL.
type text []byte

func (t *text) UnmarshalJSON(source []byte) error {
	var plain *string
	if json.Unmarshal(source, &plain) == nil {
		if plain != nil {
			*t = append([]byte(*plain), 0)
		}
		return nil
	}
	var raw struct {
		Hex string `json:"hex"`
	}
	if err := json.Unmarshal(source, &raw); err != nil {
		return err
	}
	bytes, err := hex.DecodeString(raw.Hex)
	*t = append(bytes, 0)
	return err
}

func (t text) pointer() *byte {
	if t == nil {
		return nil
	}
	return &t[0]
}

func main() {
	if err := native.Load(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	input := json.NewDecoder(bufio.NewReader(os.Stdin))
	output := json.NewEncoder(os.Stdout)
	output.SetEscapeHTML(false)
	for {
		var c testCase
		if err := input.Decode(&c); err == io.EOF {
			return
		} else if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if err := output.Encode(replay(&c)); err != nil {
			os.Exit(1)
		}
	}
}

func replay(c *testCase) map[string]any {
	var reason [512]byte
	client := native.New(c.Config.pointer(), &reason[0], uint32(len(reason)))
	answer := map[string]any{"name": c.Name, "new": nil}
	if client == nil {
		answer["new"] = untilNUL(reason[:])
	}
	results := []any{}
	for i := range c.Calls {
		results = append(results, c.Calls[i].run(client))
	}
	answer["results"] = results
	native.Free(client)
	return answer
}

func (c *call) run(client *native.Client) any {
	switch c.Call {
	case "track":
		return native.Track(client, c.Event.pointer(), c.Category.pointer(), c.Action.pointer(), c.Value,
			c.PluginName.pointer(), c.PluginVersion.pointer())
	case "preview":
		return c.read(func(out *byte, capacity uint32) int32 {
			return native.Preview(client, c.Event.pointer(), c.Category.pointer(), c.Action.pointer(), c.Value,
				c.PluginName.pointer(), c.PluginVersion.pointer(), out, capacity)
		})
	case "explain":
		return c.read(func(out *byte, capacity uint32) int32 { return native.Explain(client, out, capacity) })
	case "stats":
		return c.read(func(out *byte, capacity uint32) int32 { return native.Stats(client, out, capacity) })
	case "set_enabled":
		return native.SetEnabled(client, c.Enabled)
	case "is_enabled":
		return native.IsEnabled(client)
	case "persist":
		return native.Persist(client, c.TimeoutMS)
	case "flush":
		return native.Flush(client, c.TimeoutMS)
	case "close":
		return native.Close(client, c.TimeoutMS)
	case "status_name":
		return native.StatusName(c.Status)
	case "version":
		return native.Version()
	case "abi_version":
		return native.ABIVersion()
	case "setenv":
		return c.setenv()
	}
	return "unsupported"
}

// read returns the text that the library wrote, which is cut if the capacity was too small, or a negative status.
func (c *call) read(write func(out *byte, capacity uint32) int32) any {
	capacity := uint32(65536)
	if c.Capacity != nil {
		capacity = *c.Capacity
	}
	buffer := make([]byte, max(capacity, 1))
	if status := write(&buffer[0], capacity); status < 0 {
		return status
	}
	return untilNUL(buffer)
}

func (c *call) setenv() any {
	var err error
	if c.Setting == nil {
		err = os.Unsetenv(c.Name)
	} else {
		err = os.Setenv(c.Name, *c.Setting)
	}
	if err != nil {
		return err.Error()
	}
	return 0
}

// UnmarshalJSON distinguishes the two types of the key "value": a number for an event, and a text for setenv.
func (c *call) UnmarshalJSON(source []byte) error {
	type plain call
	var value struct {
		Call  string          `json:"call"`
		Value json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(source, &value); err != nil {
		return err
	}
	if value.Call != "setenv" {
		return json.Unmarshal(source, (*plain)(c))
	}
	c.Call = value.Call
	var names struct {
		Name  string  `json:"name"`
		Value *string `json:"value"`
	}
	err := json.Unmarshal(source, &names)
	c.Name, c.Setting = names.Name, names.Value
	return err
}

func untilNUL(bytes []byte) string {
	before, _, _ := strings.Cut(string(bytes), "\x00")
	return before
}
