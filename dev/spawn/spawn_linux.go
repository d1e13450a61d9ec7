package spawn

import "syscall"

// dieWithUs lets the kernel kill a program when the harness ends in whatever way.
func dieWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
