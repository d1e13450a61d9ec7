package manifests

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/internal/eventually"
	"github.com/slacktalk/slacktalk/internal/transcript"
)

// programs are built from where they are; name to folder and package.
var programs = map[string][2]string{
	"ingest-karte": {"services/ingest-karte", "."}, "router": {"services/router", "."}, "slack-gateway": {"services/slack-gateway", "."},
	"talkctl": {"services/router", "./cmd/talkctl"}, "standins": {"dev", "./cmd/standins"},
}

// built answers a folder with all programs in it.
func built(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	for name, p := range programs {
		cmd := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", filepath.Join(bin, name), p[1])
		cmd.Dir = filepath.Join("../..", p[0])
		cmd.Env = append(os.Environ(), "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v: %s", name, err, out)
		}
	}
	return bin
}

// runs starts a program with this environment alone; at the end it is asked to stop, and its log must tell of nothing that the server refused.
func runs(t *testing.T, path string, environ []string, args ...string) {
	t.Helper()
	name, log := filepath.Base(path), &transcript.Transcript{}
	cmd := exec.Command(path, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = environ, log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		stuck := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
		err := cmd.Wait()
		stuck.Stop()
		if err != nil {
			t.Errorf("%s ended with %v", name, err)
		}
		text := log.String()
		for _, bad := range []string{"ermissions violation", "NOPERM", "panic:"} {
			if strings.Contains(strings.ToLower(text), strings.ToLower(bad)) {
				t.Errorf("%s: %s in its log", name, bad)
			}
		}
		if t.Failed() {
			t.Logf("%s wrote:\n%s", name, text[max(0, len(text)-8000):])
		}
	})
}

// ready waits until a service can do its work.
func ready(t *testing.T, name string, admin int) {
	t.Helper()
	eventually.Holds(t, time.Minute, name+" is ready", func() bool {
		response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/readyz", admin))
		if err != nil {
			return false
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
}

// outside asks the control API of a stand-in.
func outside(t *testing.T, port int, method, path string, body any) string {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	if body == nil {
		data = nil
	}
	request, err := http.NewRequestWithContext(t.Context(), method, fmt.Sprintf("http://127.0.0.1:%d/_control/%s", port, path), bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// put replaces what stands in a file, or makes it.
func put(t *testing.T, path string, change func(string) string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(change(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
}

// natsPassword answers the one that was made for a user of NATS.
func natsPassword(t *testing.T, made, user string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(made, "nats-passwords", "passwords.conf"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "NATS_PASSWORD_"+strings.ToUpper(strings.ReplaceAll(user, "-", "_"))+": "); ok {
			return strings.Trim(rest, "\"\n")
		}
	}
	t.Fatalf("%s has no password", user)
	return ""
}
