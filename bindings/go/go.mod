module github.com/pact-foundation/pact-telemetry/bindings/go

go 1.24.0

// purego calls C in programs without cgo: on macOS without a C compiler, and on Linux with a build tag.
require github.com/ebitengine/purego v0.10.2
