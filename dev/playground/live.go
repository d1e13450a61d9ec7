package playground

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// event is one server-sent event.
type event struct {
	name string
	data any
}

const (
	// gather is how long changes are collected before they are told, so that a burst is few events.
	gather = 8 * time.Millisecond
	// behind is how many events a page may be behind before it loses some of those that are only told once.
	behind = 1024
	// beat keeps a quiet stream from looking dead.
	beat = 15 * time.Second
)

// board is where what is the same for all pages is put.
type board struct {
	mu      sync.Mutex
	readers map[chan event]bool
	system  *event // the last of its kind, for those who come later
}

func newBoard() *board { return &board{readers: map[chan event]bool{}} }

func (b *board) watched() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.readers) > 0
}

func (b *board) post(e event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e.name == "system" {
		if b.system != nil && reflect.DeepEqual(b.system.data, e.data) {
			return
		}
		b.system = &e
	}
	for reader := range b.readers {
		select {
		case reader <- e:
		default: // far behind: the streams and the next look know it all
		}
	}
}

func (b *board) join() (reader chan event, leave func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	reader = make(chan event, behind)
	if b.system != nil {
		reader <- *b.system
	}
	b.readers[reader] = true
	return reader, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.readers, reader)
	}
}

// serveEvents tells a page what there is, and then every change:
//
//	slack    what changed in the workspace since the last such event; the first has all of it
//	karte    the same of KARTE's conversations and hooks
//	system   services, streams, lanes and Redis as they are
//	wire     a message that somebody just published on NATS
func (p *Server) serveEvents(w http.ResponseWriter, r *http.Request) {
	shared, leave := p.board.join()
	defer leave()
	w.Header().Set("Content-Type", "text/event-stream")
	group, ctx := errgroup.WithContext(r.Context())
	events := make(chan event)
	send := func(e event) error {
		select {
		case events <- e:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	group.Go(func() error { return p.tellSlack(ctx, send) })
	group.Go(func() error { return p.tellKARTE(ctx, send) })
	group.Go(func() error { return tellAll(ctx, w, events, shared) })
	_ = group.Wait() // the page was closed
}

// tellAll writes events as they come.
func tellAll(ctx context.Context, w http.ResponseWriter, own, shared <-chan event) error {
	out := http.NewResponseController(w)
	pulse := time.NewTicker(beat)
	defer pulse.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e := <-own:
			err = write(w, e)
		case e := <-shared:
			err = write(w, e)
		case <-pulse.C:
			_, err = w.Write([]byte(": \n\n"))
		}
		if err == nil {
			err = out.Flush()
		}
		if err != nil {
			return fmt.Errorf("tell a page: %w", err)
		}
	}
}

func write(w http.ResponseWriter, e event) error {
	var data bytes.Buffer
	enc := json.NewEncoder(&data)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e.data); err != nil {
		return fmt.Errorf("encode %s: %w", e.name, err)
	}
	// JSON holds no bare line break, and Encode ends with one.
	_, err := fmt.Fprintf(w, "event: %s\ndata: %s\n", e.name, data.Bytes())
	return err
}

// rest waits while more may change.
func rest(ctx context.Context) error {
	timer := time.NewTimer(gather)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
