package slackstandin

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/internal/eventually"
	"github.com/slacktalk/slacktalk/internal/transcript"
)

// Slack's own libraries for OAuth and Socket Mode install the app at the stand-in of the platform, connect to it, and connect again when they are asked to: what
// our own client is tried against is a server that Slack's accepts.
func TestSlacksOwnLibrariesAgreeWithThePlatform(t *testing.T) {
	node, dir := judges(t)
	p := NewPlatform("1.2", "demo-app-secret")
	p.Enterprise = "E0DEMO1"
	p.UseSockets("xapp-demo")
	d := newDesk(t, Config{RetryScale: 0.01})
	p.Add(d.Server)
	web := httptest.NewServer(p)
	t.Cleanup(web.Close)
	d.SetURLs(URLs{Events: web.URL, Interactions: web.URL, Commands: web.URL, Self: web.URL}) // everything goes by the sockets
	d.start()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	judge := exec.CommandContext(ctx, node, "platform.mjs")
	said := &transcript.Transcript{}
	judge.Dir, judge.Stdout, judge.Stderr = dir, said, said
	judge.Env = append(os.Environ(), "STANDIN_URL="+web.URL, "CLIENT_ID="+p.ClientID, "CLIENT_SECRET="+p.ClientSecret, "APP_TOKEN=xapp-demo")
	if err := judge.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- judge.Wait() }()
	hears := func(words string) {
		t.Helper()
		eventually.Holds(t, 30*time.Second, words, func() bool {
			select {
			case err := <-ended:
				ended <- err
				t.Fatalf("it ended: %v\n%s", err, said)
			default:
			}
			return strings.Contains(said.String(), words)
		})
	}
	commands := func(text string) {
		t.Helper()
		answer, err := d.Command(ctx, "U0AYA", "C0SUPPORT", "/karte-talk", text)
		var body struct{ Text string }
		if err != nil || json.Unmarshal(answer.Body, &body) != nil || body.Text != "heard "+text {
			t.Errorf("the command was answered with %s: %v\n%s", answer.Body, err, said)
		}
	}
	writes := func(text string) {
		t.Helper()
		if _, err := d.Write("U0AYA", "C0SUPPORT", "", text, WriteOptions{}); err != nil {
			t.Fatal(err)
		}
		hears("a message: " + text)
	}
	hears("connected in Socket Mode")
	writes("before")
	commands("before")
	p.RefreshSockets()
	eventually.Holds(t, 30*time.Second, "it connects again", func() bool { return p.Sockets() == 1 })
	writes("after a refresh")
	p.CutSockets()
	writes("after a cut")
	commands("end")
	if err := <-ended; err != nil {
		t.Errorf("%v", err)
	}
	if un := d.Undelivered(); len(un) != 0 {
		t.Errorf("not delivered: %v", un)
	}
	t.Logf("%s", said)
}
