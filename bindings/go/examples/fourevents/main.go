// Command fourevents sends the four events of the Pact libraries and prints what became of them. To see them arrive:
//
//	pact-telemetry collect
//	PACT_TELEMETRY_ENDPOINT=http://127.0.0.1:PORT PACT_TELEMETRY_MEASUREMENT_ID=G-1 PACT_TELEMETRY_API_SECRET=s \
//	    go run ./examples/fourevents
package main

import (
	"context"
	"fmt"
	"time"

	telemetry "github.com/pact-foundation/pact-telemetry/bindings/go"
)

func main() {
	client := telemetry.New(telemetry.Options{
		Library: telemetry.Library{ID: "pact-go", Name: "Pact Go", Version: "1.2.3"},
	})
	defer client.Close()
	if reason := client.UnavailableReason(); reason != "" {
		fmt.Println(reason) // all calls below then do nothing
	}
	fmt.Println("mock server started:", client.MockServerStarted())
	fmt.Println("consumer tests ran:", client.ConsumerTestsRan(4))
	fmt.Println("plugin loaded:", client.PluginLoaded("protobuf", "0.3.15"))
	fmt.Println("pacts verified:", client.PactsVerified(3))

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	fmt.Println("flush:", client.Flush(ctx))
	stats := client.Stats()
	fmt.Printf("stats: %d accepted, %d delivered, %d on disk\n", stats.Accepted, stats.Delivered, stats.Spooled)
}
