package prerequisite

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
)

// ended keeps how a test was ended; what comes after that would not have been reached.
type ended struct {
	testing.TB
	how string
}

func (e *ended) Helper() {}

func (e *ended) Fatalf(format string, args ...any) {
	e.how = cmp.Or(e.how, "fails: "+fmt.Sprintf(format, args...))
}

func (e *ended) Skipf(format string, args ...any) {
	e.how = cmp.Or(e.how, "is skipped: "+fmt.Sprintf(format, args...))
}

func TestWhatIsMissingFailsOnABuildMachineAndIsSkippedElsewhere(t *testing.T) {
	for ci, want := range map[string]string{
		"true": "fails: CI needs no-such-program on PATH",
		"":     "is skipped: *** NOT TESTED: it needs no-such-program on PATH ***",
	} {
		t.Setenv("CI", ci)
		e := &ended{TB: t}
		if Program(e, "no-such-program"); e.how != want {
			t.Errorf("CI=%q: it %s, want %s", ci, e.how, want)
		}
		if e = (&ended{TB: t}); !strings.HasSuffix(Program(e, "go"), "go") || e.how != "" {
			t.Errorf("CI=%q: with the program it %s", ci, e.how)
		}
	}
}
