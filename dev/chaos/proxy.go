package chaos

import (
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// proxy spreads connections over replicas in turn, and passes over those that refuse.
type proxy struct {
	listener net.Listener
	next     atomic.Uint64
	conns    sync.WaitGroup
	mu       sync.Mutex
	backends []string
	open     map[net.Conn]bool
	closed   bool
}

func newProxy(backends []string) (*proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for a proxy: %w", err)
	}
	p := &proxy{listener: listener, backends: backends, open: map[net.Conn]bool{}}
	p.conns.Go(p.accept)
	return p, nil
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

func (p *proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.conns.Go(func() { p.carry(conn) })
	}
}

func (p *proxy) carry(client net.Conn) {
	defer p.drop(client)
	if !p.keep(client) {
		return
	}
	replica := p.dial()
	if replica == nil {
		return
	}
	defer p.drop(replica)
	if !p.keep(replica) {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(replica, client)
		_ = replica.Close()
	}()
	_, _ = io.Copy(client, replica)
	_ = client.Close()
	<-done
}

// dial connects to the next replica that answers; nil when none does.
func (p *proxy) dial() net.Conn {
	p.mu.Lock()
	backends := p.backends
	p.mu.Unlock()
	first := p.next.Add(1)
	for i := range uint64(len(backends)) {
		backend := backends[(first+i)%uint64(len(backends))]
		if conn, err := net.DialTimeout("tcp", backend, time.Second); err == nil {
			return conn
		}
	}
	return nil
}

// lead sends new connections to these replicas from now on; those that stand go on.
func (p *proxy) lead(backends []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.backends = backends
}

func (p *proxy) keep(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.open[conn] = true
	}
	return !p.closed
}

func (p *proxy) drop(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, conn)
	_ = conn.Close()
}

func (p *proxy) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	p.closed = true
	for conn := range p.open {
		_ = conn.Close()
	}
	p.mu.Unlock()
	p.conns.Wait()
}

// freePorts answers n ports that nobody listens on, below those that the kernel gives to outgoing connections: a program that is killed
// must find its own free again.
func freePorts(n int, begin int) ([]int, error) {
	var ports []int
	for port := begin; port < 32000 && len(ports) < n; port++ {
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		_ = listener.Close()
		ports = append(ports, port)
	}
	if len(ports) < n {
		return nil, fmt.Errorf("fewer than %d free ports", n)
	}
	return ports, nil
}
