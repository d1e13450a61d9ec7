package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// profiled is meter. Where profiles are wanted and the subject is measured it also leaves one of each service and of NATS, of the latest turn.
func (w *world) profiled(ctx context.Context, row string, subject *process, do func() error) (used, error) {
	if w.Profiles == "" || subject.admin == "" {
		return w.meter(do)
	}
	if err := os.MkdirAll(w.Profiles, 0o750); err != nil {
		return nil, fmt.Errorf("make the folder for profiles: %w", err)
	}
	from := map[string]string{"nats": "http://" + w.natsProfiles}
	for _, p := range w.services {
		if !p.ended() {
			from[p.name] = p.admin
		}
	}
	var group sync.WaitGroup
	failures := make(chan error, len(from))
	for name, url := range from {
		group.Go(func() { failures <- w.profile(ctx, filepath.Join(w.Profiles, row+"-"+name+".pb.gz"), url) })
	}
	cpu, err := w.meter(do)
	group.Wait()
	close(failures)
	for failure := range failures {
		err = errors.Join(err, failure)
	}
	return cpu, err
}

// profile writes a CPU profile of the time of one measurement.
func (w *world) profile(ctx context.Context, path, url string) error {
	seconds := max(int((w.Sizes.Warm+w.Sizes.Span)/time.Second), 1)
	ctx, cancel := context.WithTimeout(ctx, time.Duration(seconds)*time.Second+30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", url, seconds), nil)
	if err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %.200s", response.Status, data)
	}
	if err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	return os.WriteFile(path, data, 0o600)
}
