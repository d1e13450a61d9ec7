package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// ticks is how many units of /proc's CPU times are a second, on every Linux that Go runs on.
const ticks = 100

// cpuTime answers the CPU time, user's and system's, that a process has used so far.
func cpuTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0, fmt.Errorf("read CPU time: %w", err)
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the name before it may hold anything
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, errors.New("read CPU time: not understood")
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * time.Second / ticks, errors.Join(err, err2)
}

// resident answers how much memory of a process is in RAM, in bytes.
func resident(pid int) (float64, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0, fmt.Errorf("read memory: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kilobytes, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 64)
			return kilobytes * 1024, err
		}
	}
	return 0, errors.New("read memory: no VmRSS")
}

// loadAverage answers how many processes wanted to run, over the last minute.
func loadAverage() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), " ")
	load, _ := strconv.ParseFloat(first, 64)
	return load
}

func cpuModel() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, model, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(model)
		}
	}
	return "unknown CPU"
}

// Versions answers those of the servers that take part.
func (o Options) Versions(ctx context.Context) string {
	redis, _ := exec.CommandContext(ctx, "redis-server", "--version").Output()
	nats, _ := exec.CommandContext(ctx, filepath.Join(o.Dir, "bin", natsServer), "--version").Output()
	version := "unknown"
	for field := range strings.FieldsSeq(string(redis)) {
		if v, ok := strings.CutPrefix(field, "v="); ok {
			version = v
		}
	}
	return fmt.Sprintf("%s, Redis %s, kernel %s", strings.TrimSpace(strings.ReplaceAll(string(nats), ":", "")), version, kernel())
}

func kernel() string {
	text, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return runtime.GOOS
	}
	version, _, _ := strings.Cut(strings.TrimSpace(string(text)), "-") // what follows names who built it
	return version
}
