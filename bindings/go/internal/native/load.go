// Package native mirrors pact_telemetry.h one to one and knows where the library lies. What the functions promise is
// said in that header; text goes in as a pointer to NUL-terminated UTF-8. Nothing here may be called before [Load]
// succeeded.
package native

import "sync"

// LibraryVariable names the environment variable that says where the library is. Nothing else is tried where it is set.
const LibraryVariable = "PACT_TELEMETRY_LIBRARY"

// Load opens the library at the first call and answers every later one the same.
var Load = sync.OnceValue(load)
