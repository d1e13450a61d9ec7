// Package prerequisite ends tests that need what this machine does not have.
package prerequisite

import (
	"os"
	"os/exec"
	"testing"
)

// Mandatory reports whether what is missing is a failure. A build machine, where CI is "true" as with every usual CI service, has to have everything: there tests
// fail. Elsewhere they are skipped, and say loudly that nothing was tested. Tests ask Missing or Program; this is for a TestMain, which has no test to end.
func Mandatory() bool { return os.Getenv("CI") == "true" }

// Missing ends the test, for want of what.
func Missing(t testing.TB, what string) {
	t.Helper()
	if Mandatory() {
		t.Fatalf("CI needs %s", what)
	}
	t.Skipf("*** NOT TESTED: it needs %s ***", what)
}

// Program answers where a program is, and ends the test if it is not on PATH.
func Program(t testing.TB, name string) (path string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(t, name+" on PATH")
	}
	return path
}
