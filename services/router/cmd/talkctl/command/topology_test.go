package command

import (
	"bytes"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

func natsServer(t *testing.T) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(30 * time.Second) {
		t.Fatal("the NATS server did not start")
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	return s.ClientURL()
}

// The Job of the manifests, a look afterwards, and a way back: save here, restore there.
func TestTopologyIsAppliedSavedAndRestored(t *testing.T) {
	here, there := natsServer(t), natsServer(t)
	topology := func(want int, url string, args ...string) string {
		t.Helper()
		var out bytes.Buffer
		environ := map[string]string{"NATS_URL": url, "PARTITIONS": "2"}
		status := Run(t.Context(), append([]string{"topology"}, args...), Host{In: strings.NewReader(""), Out: &out, Err: io.Discard, Getenv: func(name string) string { return environ[name] }, Location: time.UTC})
		if status != want {
			t.Fatalf("%v: status %d, want %d: %s", args, status, want, out.String())
		}
		return out.String()
	}
	if out := topology(1, here, "diff"); !strings.Contains(out, "create TALK\n") || !strings.Contains(out, "create SENDS ingest-karte-2-001\n") {
		t.Errorf("diff: %s", out)
	}
	if out := topology(0, here, "apply"); !strings.Contains(out, "create KV_THREADS\n") {
		t.Errorf("apply: %s", out)
	}
	if out := topology(0, here, "apply") + topology(0, here, "diff"); out != "" {
		t.Errorf("again: %s", out)
	}
	folder := filepath.Join(t.TempDir(), "saved")
	topology(0, here, "save", folder)
	topology(2, here, "save", folder) // it is not written over
	topology(0, there, "restore", folder)
	topology(0, there, "diff")
	topology(1, there, "restore", folder) // nothing is written over
	topology(2, "", "diff")
}
