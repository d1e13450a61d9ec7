package daemon

import (
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// drained is a handler whose connections are let go of one after the other. The server's own SetKeepAlivesEnabled closes idle ones at once, which is what loses requests.
type drained struct {
	handler http.Handler
	leaving atomic.Bool
	open    atomic.Int64
}

func (d *drained) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if d.leaving.Load() {
		w.Header().Set("Connection", "close")
	}
	d.handler.ServeHTTP(w, r)
}

// state counts the open connections.
func (d *drained) state(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		d.open.Add(1)
	case http.StateClosed, http.StateHijacked:
		d.open.Add(-1)
	case http.StateActive, http.StateIdle:
	}
}

// drain returns when no connection is open any more, or limit is over.
func (d *drained) drain(limit time.Duration) {
	d.leaving.Store(true)
	over := time.NewTimer(limit)
	defer over.Stop()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for d.open.Load() > 0 {
		select {
		case <-over.C:
			return
		case <-look.C:
		}
	}
}
