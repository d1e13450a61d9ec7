package edge_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Whoever sends large bodies without a signature, and never ends them, fills the memory with no more of them, and keeps nothing else from being taken.
func TestBodiesThatNeverEndKeepNothingSmallAway(t *testing.T) {
	h := newEdge(&stream{})
	const slow = 16
	ended := make(chan struct{}, slow)
	for range slow {
		body, sender := io.Pipe()
		go func() {
			defer func() { ended <- struct{}{} }()
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/hooks/karte", body))
		}()
		defer func() { _ = sender.Close(); <-ended }()
		// What is written was read.
		if _, err := sender.Write(make([]byte, 40<<10)); err != nil {
			t.Fatal(err)
		}
	}
	large := httptest.NewRequest(http.MethodPost, "/hooks/karte", strings.NewReader(strings.Repeat("x", 40<<10)))
	if got := take(h, large); got != "503 busy" {
		t.Errorf("one more large body: %s", got)
	}
	if got := take(h, signed(current, now, said)); got[:3] != "200" {
		t.Errorf("a small one: %s", got)
	}
}
