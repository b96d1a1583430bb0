package telemetry_test

import (
	"fmt"

	telemetry "github.com/pact-foundation/pact-telemetry/bindings/go"
)

func ExampleNew() {
	off := false // as in a program that has an opt-out of its own
	client := telemetry.New(telemetry.Options{
		Library: telemetry.Library{ID: "pact-go", Name: "Pact Go", Version: "1.2.3"},
		Enabled: &off,
	})
	defer client.Close()
	client.ConsumerTestsRan(4)
	fmt.Println(client.Enabled())
	// Output: false
}
