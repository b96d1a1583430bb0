package failing

import (
	"testing"

	"example.test/tools/report"
)

func TestMain(m *testing.M) { report.Main(m) }

func TestReports(t *testing.T) {
	report.Event(t, 2)
	t.Fail() // what a test prints is seen where it fails
}
