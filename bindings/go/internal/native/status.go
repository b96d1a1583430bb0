package native

// ABI is the number of the ABI that this package was written for.
const ABI = 1

// The values of PactTelemetryStatus in the header.
const (
	OK             = 0
	Disabled       = 1
	NotConfigured  = 2
	QueueFull      = 3
	Closed         = 4
	Lost           = 5
	Kept           = 6
	ErrorNull      = -1
	ErrorUTF8      = -2
	ErrorEmpty     = -3
	ErrorTooLong   = -4
	ErrorForbidden = -5
	ErrorRange     = -6
	ErrorTimeout   = -7
	ErrorInternal  = -8
)
