// Package spawn starts programs that the kernel ends together with the process that started them.
package spawn

import (
	"os/exec"
	"runtime"
	"sync"
)

// Spawner starts programs from one thread that lives until Close, because the kernel ends a program with the thread that started it.
type Spawner struct {
	work chan func()
	once sync.Once
}

// New starts the thread.
func New() *Spawner {
	s := &Spawner{work: make(chan func())}
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for do := range s.work {
			do()
		}
	}()
	return s
}

// Start is cmd.Start on that thread.
func (s *Spawner) Start(cmd *exec.Cmd) error {
	cmd.SysProcAttr = dieWithUs()
	result := make(chan error, 1)
	s.work <- func() { result <- cmd.Start() }
	return <-result
}

// Close ends the thread; what it started must have ended.
func (s *Spawner) Close() { s.once.Do(func() { close(s.work) }) }
