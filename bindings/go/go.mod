module github.com/pact-foundation/pact-telemetry/bindings/go

go 1.24.0

// Calls C where there is no cgo: on macOS without a C compiler, on Linux by a build tag.
require github.com/ebitengine/purego v0.10.2
