// Package bodytest sends requests whose bodies do not end, as somebody does who wants to fill a server's memory.
package bodytest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// Large is the size in bytes of a body that counts as large.
const Large = 40 << 10

// Unending sends n large bodies to h at path, which are read so far and go on until the test ends.
func Unending(t testing.TB, h http.Handler, path string, n int) {
	t.Helper()
	for range n {
		body, sender := io.Pipe()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, body))
		}()
		t.Cleanup(func() { _ = sender.Close(); <-ended })
		// What is written was read.
		if _, err := sender.Write(make([]byte, Large)); err != nil {
			t.Fatal(err)
		}
	}
}
