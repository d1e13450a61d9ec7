//go:build !linux

package spawn

import "syscall"

// dieWithUs has no portable form: elsewhere a harness that is killed leaves its programs behind.
func dieWithUs() *syscall.SysProcAttr { return nil }
