// Package topology is what talkctl does at NATS itself: it makes, compares, saves and restores streams, buckets and consumers.
package topology

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/config"
)

// variables say where NATS is and what should be there, the same as those of the services.
var variables = []string{"NATS_URL", "NATS_URL_FILE", "NATS_CREDS", "NATS_CA", "STREAM_REPLICAS", "PARTITIONS", "PARTITIONS_BEFORE"}

// MistakeError is a mistake of the caller, in a variable or a folder. Nothing was changed.
type MistakeError struct{ Err error }

func (m *MistakeError) Error() string { return m.Err.Error() }
func (m *MistakeError) Unwrap() error { return m.Err }

// Client is connected to NATS.
type Client struct {
	bus *bus.Bus
	// out takes what is found and done, said what a person may want to know besides.
	out, said io.Writer
}

// Connect waits until there is a connection: it may be started together with the servers.
func Connect(ctx context.Context, getenv func(string) string, out, said io.Writer) (*Client, error) {
	var environ []string
	for _, name := range variables {
		if value := getenv(name); value != "" {
			environ = append(environ, name+"="+value)
		}
	}
	var settings bus.Settings
	if err := config.Load(&settings, environ); err != nil {
		return nil, &MistakeError{err}
	}
	settings.Named = true
	log := slog.New(slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelWarn}))
	b, err := bus.Connect(settings, "talkctl", log, prometheus.NewRegistry())
	if err != nil {
		return nil, &MistakeError{err}
	}
	for {
		err := b.Connected()
		if err == nil {
			return &Client{b, out, said}, nil
		}
		select {
		case <-ctx.Done():
			b.Close()
			return nil, err
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// Close ends the connection.
func (c *Client) Close() { c.bus.Close() }

// Diff shows in what NATS is not as it should be; same is false when Apply would do, or refuse, something.
func (c *Client) Diff(ctx context.Context) (same bool, err error) {
	found, err := c.bus.Diff(ctx)
	if err != nil {
		return false, err
	}
	for _, d := range found {
		_, _ = fmt.Fprintln(c.out, d)
	}
	return !slices.ContainsFunc(found, func(d bus.Difference) bool { return d.Verdict != bus.Keep }), nil
}

// Apply makes NATS as it should be and shows what it does.
func (c *Client) Apply(ctx context.Context) error {
	return c.bus.Apply(ctx, func(d bus.Difference) { _, _ = fmt.Fprintln(c.out, d) })
}

const (
	streamContent     = "stream.tar.s2"
	streamDescription = "backup.json"
)

// Save writes every stream into a new folder.
func (c *Client) Save(ctx context.Context, folder string) error {
	if err := os.Mkdir(folder, 0o700); err != nil {
		return &MistakeError{err}
	}
	for _, stream := range bus.StreamNames() {
		if err := c.save(ctx, stream, filepath.Join(folder, stream)); err != nil {
			return err
		}
		_, _ = fmt.Fprintln(c.said, "saved "+stream)
	}
	return nil
}

func (c *Client) save(ctx context.Context, stream, folder string) error {
	if err := os.Mkdir(folder, 0o700); err != nil {
		return err
	}
	content, err := os.OpenFile(filepath.Join(folder, streamContent), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // the user says which folder
	if err != nil {
		return err
	}
	saved, err := c.bus.Save(ctx, stream, content)
	if err := errors.Join(err, content.Sync(), content.Close()); err != nil {
		return err
	}
	description, err := json.MarshalIndent(saved, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, streamDescription), description, 0o600)
}

// Restore makes every stream of a folder again.
func (c *Client) Restore(ctx context.Context, folder string) error {
	found, err := os.ReadDir(folder)
	if err != nil {
		return &MistakeError{err}
	}
	for _, entry := range found {
		if err := c.restore(ctx, filepath.Join(folder, entry.Name())); err != nil {
			return err
		}
		_, _ = fmt.Fprintln(c.said, "restored "+entry.Name())
	}
	return nil
}

func (c *Client) restore(ctx context.Context, folder string) error {
	description, err := os.ReadFile(filepath.Join(folder, streamDescription)) //nolint:gosec // the user says which folder
	if err != nil {
		return &MistakeError{err}
	}
	var saved bus.Snapshot
	if err := json.Unmarshal(description, &saved); err != nil {
		return &MistakeError{fmt.Errorf("%s: %w", folder, err)}
	}
	content, err := os.Open(filepath.Join(folder, streamContent)) //nolint:gosec // the user says which folder
	if err != nil {
		return &MistakeError{err}
	}
	defer func() { _ = content.Close() }()
	return c.bus.Load(ctx, saved, content)
}
