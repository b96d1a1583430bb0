// Package native mirrors pact_telemetry.h one to one, and finds the library. That header documents the functions. A
// text argument is a pointer to NUL-terminated UTF-8. No function may be called before [Load] has succeeded.
package native

import "sync"

// LibraryVariable is the environment variable that names the library's file. If it is set, nothing else is tried.
const LibraryVariable = "PACT_TELEMETRY_LIBRARY"

// Load opens the library in the first call. Every later call returns the same result.
var Load = sync.OnceValue(load)
