package daemon_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/slacktalk/slacktalk/internal/daemon"
)

const largest = 100 << 10

func read(bodies *daemon.Bodies, body io.Reader) (int, error) {
	raw, err := bodies.Read(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", body))
	return len(raw), err
}

func TestBodiesAreReadWhole(t *testing.T) {
	bodies := daemon.NewBodies(largest)
	for _, n := range []int{0, 1, 32<<10 - 1, 32 << 10, 32<<10 + 1, largest} {
		if got, err := read(bodies, strings.NewReader(strings.Repeat("x", n))); got != n || err != nil {
			t.Errorf("%d of %d, %v", got, n, err)
		}
	}
	var tooLarge *http.MaxBytesError
	if _, err := read(bodies, strings.NewReader(strings.Repeat("x", largest+1))); !errors.As(err, &tooLarge) {
		t.Errorf("a larger one: %v", err)
	}
}

// Whoever sends large bodies and never ends them takes no more memory than there is, and nothing from those who send small ones.
func TestSlowLargeBodiesFillNoMemory(t *testing.T) {
	bodies := daemon.NewBodies(largest)
	const slow = 16
	ended := make(chan error, slow)
	var writers []*io.PipeWriter
	for range slow {
		reader, writer := io.Pipe()
		go func() {
			_, err := read(bodies, reader)
			ended <- err
		}()
		// When this is written it is read: its reader is at the large part.
		if _, err := writer.Write(make([]byte, 40<<10)); err != nil {
			t.Fatal(err)
		}
		writers = append(writers, writer)
	}
	if _, err := read(bodies, strings.NewReader(strings.Repeat("x", 40<<10))); !errors.Is(err, daemon.ErrBusy) {
		t.Errorf("one more large one: %v", err)
	}
	if n, err := read(bodies, strings.NewReader("small")); n != 5 || err != nil {
		t.Errorf("a small one: %d, %v", n, err)
	}
	for _, writer := range writers {
		_ = writer.Close() // it fails never
	}
	for range slow {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if n, err := read(bodies, strings.NewReader(strings.Repeat("x", 40<<10))); n != 40<<10 || err != nil {
		t.Errorf("a large one afterwards: %d, %v", n, err)
	}
}
