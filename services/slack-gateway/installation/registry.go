// Package installation knows the Slack workspaces that the app is installed in: who it is there, and the client that acts as it.
package installation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"

	"github.com/slacktalk/slacktalk/internal/retry"
	"github.com/slacktalk/slacktalk/services/slack-gateway/inbound"
	"github.com/slacktalk/slacktalk/services/slack-gateway/slackapi"
)

// ErrNotInstalled is wrapped by errors about a workspace that the app is not installed in.
var ErrNotInstalled = errors.New("the app is not installed in this workspace")

// Workspace is one workspace that the app is installed in.
type Workspace struct {
	Self   inbound.Self
	Client *slackapi.Client
}

// Registry is the workspaces that this replica knows. What it answers holds for the moment: ask again for every piece of work.
type Registry struct {
	mu         sync.Mutex
	workspaces map[string]Workspace
	changed    chan struct{}
	// Latest answers by which id Slack knows a channel now; nil where ids do not change. It is set before anything else is done.
	Latest func(team, channel string) string
}

// NewRegistry makes an empty one.
func NewRegistry() *Registry {
	return &Registry{workspaces: map[string]Workspace{}, changed: make(chan struct{})}
}

// Client answers the client that acts as the app in a workspace; ErrNotInstalled, as a reason to park, when there is none.
func (r *Registry) Client(team string) (*slackapi.Client, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w, ok := r.workspaces[team]; ok {
		return w.Client, nil
	}
	return nil, retry.Parked(fmt.Errorf("workspace %s: %w", team, ErrNotInstalled))
}

// For answers the same for a package that declares what it needs of a client: as is `func(c *slackapi.Client) pkg.Slack { return c }`.
func For[T any](r *Registry, as func(*slackapi.Client) T) func(team string) (T, error) {
	return func(team string) (needed T, err error) {
		client, err := r.Client(team)
		if err != nil {
			return needed, err
		}
		return as(client), nil
	}
}

// Self answers who the app is in a workspace.
func (r *Registry) Self(team string) (self inbound.Self, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w, ok := r.workspaces[team]
	return w.Self, ok
}

// Resolve answers who the app is in the workspace that something is for, else ErrNotInstalled.
func (r *Registry) Resolve(origin inbound.Origin) (inbound.Self, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, team := range origin.Teams {
		if w, ok := r.workspaces[team]; ok {
			return w.Self, nil
		}
	}
	if origin.Unsure && len(r.workspaces) == 1 {
		for _, w := range r.workspaces {
			return w.Self, nil
		}
	}
	return inbound.Self{}, fmt.Errorf("workspaces %v: %w", origin.Teams, ErrNotInstalled)
}

// Set makes a workspace known, or replaces what is known of it.
func (r *Registry) Set(team string, w Workspace) {
	if r.Latest != nil && w.Client != nil {
		w.Client = w.Client.Knowing(func(channel string) string { return r.Latest(team, channel) })
	}
	r.change(func() { r.workspaces[team] = w })
}

// Remove forgets a workspace.
func (r *Registry) Remove(team string) {
	r.change(func() { delete(r.workspaces, team) })
}

func (r *Registry) change(how func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	how()
	close(r.changed)
	r.changed = make(chan struct{})
}

// known answers the workspaces there are now, and a channel that is closed when they change.
func (r *Registry) known() (map[string]Workspace, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.workspaces), r.changed
}

// Serve works for every workspace from when it becomes known until it is forgotten or ctx ends; the first failure ends it all.
func (r *Registry) Serve(ctx context.Context, work func(ctx context.Context, team string) error) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	running := map[string]func(){}
	defer func() {
		for _, stop := range running {
			stop()
		}
	}()
	for {
		known, changed := r.known()
		for team, stop := range running {
			if _, ok := known[team]; !ok {
				stop()
				delete(running, team)
			}
		}
		for team := range known {
			if running[team] == nil {
				running[team] = begin(ctx, team, work, fail)
			}
		}
		select {
		case <-ctx.Done():
			return failure(ctx)
		case <-changed:
		}
	}
}

// Changes calls do after every change, until ctx ends.
func (r *Registry) Changes(ctx context.Context, do func()) error {
	for {
		_, changed := r.known()
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
			do()
		}
	}
}

// begin starts the work for one workspace and answers what stops it and waits.
func begin(ctx context.Context, team string, work func(ctx context.Context, team string) error, fail context.CancelCauseFunc) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var working sync.WaitGroup
	working.Go(func() {
		if err := work(ctx, team); err != nil && ctx.Err() == nil {
			fail(workFailure{fmt.Errorf("workspace %s: %w", team, err)})
		}
	})
	return func() { cancel(); working.Wait() }
}

// workFailure tells the failure of a workspace's work from the end of the context around it.
type workFailure struct{ error }

func failure(ctx context.Context) error {
	var failed workFailure
	if errors.As(context.Cause(ctx), &failed) {
		return failed.error
	}
	return nil
}
