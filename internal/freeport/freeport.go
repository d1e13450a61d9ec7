// Package freeport finds ports for the programs of tests that have to be told one.
package freeport

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// The kernel gives ports from 32768 on, elsewhere from 49152 on, to whoever asks for any: what is below is not somebody else's by the time its program listens.
const first, last = 10000, 19999

var given sync.Map

// TCP answers a port of 127.0.0.1 at which nobody listens, and which it has given to nobody else in this process.
func TCP() (int, error) {
	var err error
	for range 100 {
		port := first + rand.IntN(last-first+1) //nolint:gosec // no secret
		if _, taken := given.LoadOrStore(port, true); taken {
			continue
		}
		var listener net.Listener
		if listener, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil { //nolint:noctx // it ends at once
			return port, listener.Close()
		}
	}
	return 0, fmt.Errorf("find a free port: %w", err)
}
