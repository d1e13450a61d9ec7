package daemon

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"golang.org/x/sync/semaphore"
)

const (
	// smallBody in bytes is above nearly every request of KARTE and Slack.
	smallBody = 32 << 10
	// largeAtOnce is how many larger bodies are read at once. Each may hold its largest size as long as the server lets a request take.
	largeAtOnce = 16
)

// ErrBusy is answered for a large body while as many others are being read as there is memory for.
var ErrBusy = errors.New("too many large bodies at once")

// Bodies reads requests of which nobody knows yet whom they come from. Senders that are slow on purpose fill the memory with what they have sent so far:
// only so much of it may be there at once, and what is small, as nearly all is, gets through beside it.
type Bodies struct {
	largest int64
	large   *semaphore.Weighted
}

// NewBodies makes one for bodies of at most largest bytes.
func NewBodies(largest int64) *Bodies {
	return &Bodies{largest: largest, large: semaphore.NewWeighted(largeAtOnce)}
}

// Read answers a request's body. Its error is an *http.MaxBytesError where the body is larger than allowed, and ErrBusy where there is no room for it now.
func (b *Bodies) Read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	limited := http.MaxBytesReader(w, r.Body, b.largest)
	body, err := io.ReadAll(io.LimitReader(limited, smallBody))
	if err != nil {
		return nil, fmt.Errorf("read a body: %w", err)
	}
	if len(body) < smallBody {
		return body, nil
	}
	if !b.large.TryAcquire(1) {
		w.Header().Set("Connection", "close") // or the server would go on reading it
		return nil, ErrBusy
	}
	defer b.large.Release(1)
	rest, err := io.ReadAll(limited)
	if err != nil {
		return nil, fmt.Errorf("read a body: %w", err)
	}
	return append(body, rest...), nil
}
