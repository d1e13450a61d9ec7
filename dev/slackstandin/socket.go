package slackstandin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/gorilla/websocket"
)

const socketPath = "/link"

// maxAnswer is how long an answer in Socket Mode may be; Slack drops longer ones and says nothing (sheet 1.3).
const maxAnswer = 20 << 10

// errNoSocket: nobody is connected, or the connection broke before the answer.
var errNoSocket = errors.New("no connection in Socket Mode")

// sockets are the connections in Socket Mode. With an app token everything is delivered through them instead of request URLs.
type sockets struct {
	appToken string
	tickets  map[string]bool
	open     []*socket
	next     int
	dropped  int
	changed  chan struct{}
}

type socket struct {
	conn    *websocket.Conn
	out     chan any
	answers map[string]chan Answer
	gone    chan struct{}
}

// UseSockets delivers everything through Socket Mode from now on, to whoever connects with the app-level token.
func (p *Platform) UseSockets(appToken string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sockets = sockets{appToken: appToken, tickets: map[string]bool{}, changed: make(chan struct{})}
}

// Sockets answers how many connections there are.
func (p *Platform) Sockets() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.sockets.open)
}

// Dropped answers how many answers were too long and dropped.
func (p *Platform) Dropped() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sockets.dropped
}

// CutSockets breaks every connection without a word, as a network does.
func (p *Platform) CutSockets() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.sockets.open {
		_ = s.conn.NetConn().Close()
	}
}

// RefreshSockets asks every connection to make place for a new one, as Slack does every few hours.
func (p *Platform) RefreshSockets() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.sockets.open {
		select {
		case s.out <- map[string]any{"type": "disconnect", "reason": "refresh_requested", "debug_info": map[string]any{"host": "stand-in"}}:
		case <-s.gone:
		}
	}
}

func (p *Platform) bySocket() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sockets.appToken != ""
}

func (p *Platform) openSocket(w http.ResponseWriter, r *http.Request) {
	a, _ := readArgs(r)
	p.mu.Lock()
	defer p.mu.Unlock()
	if given := token(r, a); p.sockets.appToken == "" || given != p.sockets.appToken {
		writeReply(w, nil, apiError("invalid_auth"))
		return
	}
	ticket := p.name("ticket-")
	p.sockets.tickets[ticket] = true
	writeReply(w, reply{"url": "ws://" + r.Host + socketPath + "?ticket=" + ticket + "&app_id=A0DEMO1"}, nil)
}

func (p *Platform) serveSocket(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	good := p.sockets.tickets[r.URL.Query().Get("ticket")]
	delete(p.sockets.tickets, r.URL.Query().Get("ticket"))
	p.mu.Unlock()
	if !good {
		http.Error(w, "the address was used already", http.StatusForbidden)
		return
	}
	conn, err := (&websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	s := &socket{conn: conn, out: make(chan any), answers: map[string]chan Answer{}, gone: make(chan struct{})}
	p.attach(s)
	defer p.detach(s)
	p.mu.Lock()
	n := len(p.sockets.open)
	p.mu.Unlock()
	done := make(chan struct{})
	go func() { defer close(done); s.write(n) }()
	p.read(s)
	close(s.gone)
	_ = conn.Close()
	<-done
}

func (p *Platform) attach(s *socket) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sockets.open = append(p.sockets.open, s)
	close(p.sockets.changed)
	p.sockets.changed = make(chan struct{})
}

func (p *Platform) detach(s *socket) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, o := range p.sockets.open {
		if o == s {
			p.sockets.open = append(p.sockets.open[:i:i], p.sockets.open[i+1:]...)
			break
		}
	}
}

func (s *socket) write(n int) {
	hello := map[string]any{
		"type": "hello", "num_connections": n, "connection_info": map[string]any{"app_id": "A0DEMO1"}, "debug_info": map[string]any{"host": "stand-in", "approximate_connection_time": 3600},
	}
	if s.conn.WriteJSON(hello) != nil {
		_ = s.conn.Close()
	}
	ping := time.NewTicker(5 * time.Second)
	defer ping.Stop()
	for {
		var err error
		select {
		case frame := <-s.out:
			if err = s.conn.WriteJSON(frame); err == nil && isDisconnect(frame) {
				err = s.conn.Close()
			}
		case <-ping.C:
			err = s.conn.WriteControl(websocket.PingMessage, []byte("ping"), time.Now().Add(time.Second))
		case <-s.gone:
			return
		}
		if err != nil {
			_ = s.conn.Close()
		}
	}
}

func isDisconnect(frame any) bool {
	m, ok := frame.(map[string]any)
	return ok && m["type"] == "disconnect"
}

func (p *Platform) read(s *socket) {
	for {
		var ack struct {
			EnvelopeID string          `json:"envelope_id"`
			Payload    json.RawMessage `json:"payload"`
		}
		if s.conn.ReadJSON(&ack) != nil {
			return
		}
		p.mu.Lock()
		waiting := s.answers[ack.EnvelopeID]
		delete(s.answers, ack.EnvelopeID)
		if len(ack.Payload) >= maxAnswer {
			ack.Payload = nil
			p.sockets.dropped++
		}
		p.mu.Unlock()
		if waiting != nil {
			waiting <- Answer{Status: http.StatusOK, Header: http.Header{}, Body: ack.Payload}
		}
	}
}

// connection answers a connection, waiting for one until ctx ends.
func (p *Platform) connection(ctx context.Context) (*socket, error) {
	for {
		p.mu.Lock()
		changed := p.sockets.changed
		if n := len(p.sockets.open); n > 0 {
			p.sockets.next++
			s := p.sockets.open[p.sockets.next%n]
			p.mu.Unlock()
			return s, nil
		}
		p.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", errNoSocket, ctx.Err())
		}
	}
}

// push sends what would be a request, and answers what was acknowledged with.
func (p *Platform) push(ctx context.Context, header http.Header, body []byte) (Answer, error) {
	frame, err := frameOf(header, body)
	if err != nil {
		return Answer{}, err
	}
	s, err := p.connection(ctx)
	if err != nil {
		return Answer{}, err
	}
	answer := make(chan Answer, 1)
	p.mu.Lock()
	id := p.name("envelope-")
	frame["envelope_id"] = id
	s.answers[id] = answer
	p.mu.Unlock()
	select {
	case s.out <- frame:
	case <-s.gone:
		return Answer{}, errNoSocket
	}
	select {
	case a := <-answer:
		return a, nil
	case <-s.gone:
		return Answer{}, errNoSocket
	case <-ctx.Done():
		return Answer{}, fmt.Errorf("wait for the acknowledgement: %w", ctx.Err())
	}
}

// frameOf makes the envelope of what would be a request.
func frameOf(header http.Header, body []byte) (map[string]any, error) {
	if header.Get("Content-Type") == "application/json" {
		frame := map[string]any{"type": "events_api", "payload": json.RawMessage(body), "accepts_response_payload": false}
		if n, err := strconv.Atoi(header.Get("X-Slack-Retry-Num")); err == nil {
			frame["retry_attempt"], frame["retry_reason"] = n, header.Get("X-Slack-Retry-Reason")
		}
		return frame, nil
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, fmt.Errorf("read form: %w", err)
	}
	if payload := form.Get("payload"); payload != "" {
		return map[string]any{"type": "interactive", "payload": json.RawMessage(payload), "accepts_response_payload": true}, nil
	}
	fields := map[string]string{}
	for name := range form {
		fields[name] = form.Get(name)
	}
	return map[string]any{"type": "slash_commands", "payload": fields, "accepts_response_payload": true}, nil
}

// AppToken answers the app-level token, empty where requests are delivered.
func (p *Platform) AppToken() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sockets.appToken
}
