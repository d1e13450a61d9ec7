package main

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// binary is talkctl as people get it.
func binary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "talkctl")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return path
}

// hanging serves settings that never come; asked is told about every call.
func hanging(t *testing.T, asked chan<- struct{}) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	settingsv1.RegisterSettingsServiceServer(server, &never{asked: asked})
	var served sync.WaitGroup
	served.Go(func() { server.Serve(listener) })
	t.Cleanup(func() { server.Stop(); served.Wait() })
	return listener.Addr().String()
}

type never struct {
	settingsv1.UnimplementedSettingsServiceServer
	asked chan<- struct{}
}

func (n *never) WatchTeamSettings(_ *settingsv1.WatchTeamSettingsRequest, stream grpc.ServerStreamingServer[settingsv1.WatchTeamSettingsResponse]) error {
	n.asked <- struct{}{}
	<-stream.Context().Done()
	return stream.Context().Err()
}

func TestTheProgram(t *testing.T) {
	path := binary(t)
	home := t.TempDir()
	command := func(args ...string) *exec.Cmd {
		c := exec.CommandContext(t.Context(), path, args...)
		c.Env = []string{"HOME=" + home, "XDG_CONFIG_HOME=" + home, "PATH=" + os.Getenv("PATH"), "TALKCTL_TOKEN=a-token", "TALKCTL_PROJECT=demo"}
		return c
	}
	for want, args := range map[int][]string{0: {"version"}, 2: {"settings", "get"}, 3: {"settings", "get", "--address", "127.0.0.1:1"}} {
		out, err := command(args...).CombinedOutput()
		if got := exitStatus(err); got != want {
			t.Errorf("talkctl %q ends with %d, want %d: %s", args, got, want, out)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		script, err := command("completion", shell).Output()
		if err != nil || !strings.Contains(string(script), "talkctl") {
			t.Errorf("the completion of %s: %v", shell, err)
		}
		if shell != "bash" {
			continue
		}
		check := exec.CommandContext(t.Context(), "bash", "-n")
		check.Stdin = strings.NewReader(string(script))
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("the completion of bash is no script: %v\n%s", err, out)
		}
	}
	asked := make(chan struct{}, 1)
	watch := command("settings", "watch", "--address", hanging(t, asked))
	if err := watch.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-asked:
	case <-time.After(10 * time.Second):
		t.Error("it does not call")
	}
	_ = watch.Process.Signal(syscall.SIGINT)
	if status := exitStatus(watch.Wait()); status != 0 {
		t.Errorf("Ctrl-C ends a watch with %d", status)
	}
}

func exitStatus(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	if err != nil {
		return -1
	}
	return 0
}
