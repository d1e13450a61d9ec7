package daemon

import (
	"os"
	"runtime/debug"
)

// CollectAt says how much more than what is in use, in percent, may be garbage before it is collected, unless the operator says so by GOGC: a service that keeps little in memory and
// handles much would collect many times a second. GOMEMLIMIT holds all the same.
func CollectAt(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}
