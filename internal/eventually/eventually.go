// Package eventually waits in tests for what other goroutines and processes bring about.
package eventually

import (
	"context"
	"testing"
	"time"
)

// every is how long it waits between two looks.
const every = 10 * time.Millisecond

// Holds returns as soon as holds does, and fails the test, naming what was waited for, if it does not within limit. holds is called on the test's own
// goroutine, so it may end the test itself.
func Holds(t testing.TB, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	look := time.NewTicker(every)
	defer look.Stop()
	for !holds() {
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatalf("%s: not within %v", what, limit)
		}
	}
}
