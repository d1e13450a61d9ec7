package daemon_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/internal/daemon"
)

// drainable serves until stop is called; ended tells that it has ended, and how.
func drainable(t *testing.T, drain time.Duration) (url string, stop func(), ended <-chan error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	done := make(chan error, 1)
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "taken") })
	go func() { done <- daemon.ServeDraining(listener, handler, drain)(ctx) }()
	return "http://" + listener.Addr().String(), cancel, done
}

// post makes a request on the client's one connection; last says that the server wants no other one on it.
func post(t *testing.T, client *http.Client, url string) (last bool) {
	t.Helper()
	answer, err := client.Post(url, "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil || string(text) != "taken" {
		t.Fatalf("%q %v", text, err)
	}
	return answer.Close
}

// What a client sends on a connection that it has kept is answered still when the process was asked to stop, and the connection ends with the answer.
func TestAConnectionThatIsKeptEndsWithAnAnswer(t *testing.T) {
	url, stop, ended := drainable(t, time.Minute)
	client := &http.Client{Transport: &http.Transport{}}
	if post(t, client, url) {
		t.Error("the connection is not kept")
	}
	stop()
	for deadline := time.Now().Add(10 * time.Second); !post(t, client, url); { // the stop may not have been heard of yet
		if time.Now().After(deadline) {
			t.Fatal("the client is not told to let go")
		}
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("it waits though no connection is open")
	}
}

// A connection that nobody uses is not waited for longer than that.
func TestAnIdleConnectionDoesNotHoldUpAStop(t *testing.T) {
	url, stop, ended := drainable(t, 50*time.Millisecond)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	post(t, client, url)
	stop()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("it does not stop")
	}
}
