module github.com/pact-foundation/pact-telemetry/bindings/go

go 1.24.0
