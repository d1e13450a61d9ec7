package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// program is one that gets an image.
type program struct {
	name string
	// module is its folder in the repository, pkg its package in there.
	module, pkg string
	about       string
}

var all = []program{
	{"ingest-karte", "services/ingest-karte", ".", "Slack Talk: everything said to and heard from KARTE"},
	{"router", "services/router", ".", "Slack Talk: decisions, settings and their API"},
	{"slack-gateway", "services/slack-gateway", ".", "Slack Talk: everything said to and heard from Slack"},
	{"talkctl", "services/router", "./cmd/talkctl", "Slack Talk: the command line client of the API"},
	{"standins", "dev", "./cmd/standins", "Slack Talk: a Slack and a KARTE that are none, for trials alone"},
}

// choose answers the programs of these names; without names all.
func choose(names []string) ([]program, error) {
	if len(names) == 0 {
		return all, nil
	}
	var chosen []program
	for _, name := range names {
		before := len(chosen)
		for _, p := range all {
			if p.name == name {
				chosen = append(chosen, p)
			}
		}
		if len(chosen) == before {
			return nil, fmt.Errorf("there is no program %q", name)
		}
	}
	return chosen, nil
}

// build compiles p for a platform into a file in scratch and answers its path. Nothing of the machine gets into it: no
// paths, no C, no time; the time zones do, because the image has none.
func (p program) build(ctx context.Context, root, platform, scratch string) (string, error) {
	system, arch, _ := strings.Cut(platform, "/")
	out := filepath.Join(scratch, p.name+"-"+system+"-"+arch)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-tags=timetzdata", "-ldflags=-s -w -buildid=", "-o", out, p.pkg) //nolint:gosec // our own packages
	cmd.Dir = filepath.Join(root, p.module)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=", "GOEXPERIMENT=", "GOAMD64=v1", "GOARM64=v8.0", "GOOS="+system, "GOARCH="+arch)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("build %s for %s: %w", p.pkg, platform, err)
	}
	return out, nil
}

// source is the commit that images are made from.
type source struct {
	// revision is its hash, with "-dirty" when there is more in the folder than was committed.
	revision string
	time     time.Time
}

func describe(ctx context.Context, root string) (source, error) {
	hash, err := git(ctx, root, "rev-parse", "HEAD")
	if err != nil {
		return source{}, err
	}
	stamp, err := git(ctx, root, "log", "-1", "--format=%ct")
	if err != nil {
		return source{}, err
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return source{}, fmt.Errorf("read the commit's time: %w", err)
	}
	changes, err := git(ctx, root, "status", "--porcelain", "--", "proto", "internal", "services")
	if err != nil {
		return source{}, err
	}
	if changes != "" {
		hash += "-dirty"
	}
	return source{hash, time.Unix(seconds, 0).UTC()}, nil
}

func git(ctx context.Context, root string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "git", append([]string{"-C", root}, args...)...).Output() //nolint:gosec // our own arguments
	if err != nil {
		return "", fmt.Errorf("git %s: %w", args[0], err)
	}
	return strings.TrimSpace(string(out)), nil
}
