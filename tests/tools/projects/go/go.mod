module example.test/tools

go 1.24.0

require github.com/pact-foundation/pact-telemetry/bindings/go v0.0.0

require github.com/ebitengine/purego v0.10.2 // indirect

replace github.com/pact-foundation/pact-telemetry/bindings/go => ../../../../bindings/go
