// Package playground is the browser's face of a stack: one page with the shop's chat, a Slack, and a look behind the scenes.
//
// The page uses what anybody may use: the stand-ins' control APIs, the gRPC API, and what is below. doc.go of the stand-ins lists their
// orders; the page sends them to /slack/_control/… and /karte/_control/… here, which lead there.
//
//	GET  /api/config                     the addresses and names of this stack
//	GET  /api/events                     server-sent events: slack, karte, system and wire; see live.go
//	POST /api/grpc/{service}/{method}    a call of the gRPC API in JSON; a stream's answers come as a list
//	POST /api/services/{name}/{order}    stop, kill, start or restart a service
//	POST /api/redis/flush                empties Redis
//	POST /api/pictures                   keeps a picture for the shop → {"url":…}
//	GET  /pictures/{name}                such a picture
//
// There is no authentication, and the demo's token is used where a call has none: serve it on loopback only.
package playground

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/slacktalk/slacktalk/dev/stack"
)

//go:embed web
var web embed.FS

// Options of a playground.
type Options struct {
	// Pace is the least time between two posts to a channel, which the page shows beside each lane.
	Pace time.Duration
	// Log receives what goes wrong; nothing when nil.
	Log *slog.Logger
}

// Server serves the page of one stack. It is an http.Handler.
type Server struct {
	stack    *stack.Stack
	config   config
	log      *slog.Logger
	routes   http.Handler
	conn     *grpc.ClientConn
	nats     *nats.Conn
	js       jetstream.JetStream
	redis    *redis.Client
	board    *board
	pictures pictures
	orders   sync.Mutex // services are stopped and started one after the other
}

// New connects a playground to a stack that runs.
func New(s *stack.Stack, o Options) (*Server, error) {
	p := &Server{stack: s, config: configOf(s, o), log: o.Log, board: newBoard()}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	if err := p.connect(); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	routes, err := p.mux()
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	p.routes = guarded(routes)
	return p, nil
}

func (p *Server) connect() error {
	// A router that was restarted is to be found at once.
	quick := grpc.ConnectParams{Backoff: backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.5, MaxDelay: 500 * time.Millisecond}, MinConnectTimeout: time.Second}
	var err error
	p.conn, err = grpc.NewClient(p.stack.RouterAddr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithConnectParams(quick))
	if err != nil {
		return fmt.Errorf("connect the playground to the router: %w", err)
	}
	if p.nats, err = nats.Connect(p.stack.NATSURL, nats.MaxReconnects(-1)); err != nil {
		return fmt.Errorf("connect the playground to NATS: %w", err)
	}
	if p.js, err = jetstream.New(p.nats); err != nil {
		return fmt.Errorf("connect the playground to JetStream: %w", err)
	}
	at, err := redis.ParseURL(p.stack.RedisURL)
	if err != nil {
		return fmt.Errorf("connect the playground to Redis: %w", err)
	}
	p.redis = redis.NewClient(at)
	return nil
}

// Close lets go of the stack. Run must have ended.
func (p *Server) Close() error {
	var problems []error
	if p.conn != nil {
		problems = append(problems, p.conn.Close())
	}
	if p.nats != nil {
		p.nats.Close()
	}
	if p.redis != nil {
		problems = append(problems, p.redis.Close())
	}
	return errors.Join(problems...)
}

// Run looks at the stack for those who watch, until the context ends.
func (p *Server) Run(ctx context.Context) error {
	subscriptions, err := p.listen()
	if err != nil {
		return err
	}
	defer func() {
		for _, s := range subscriptions {
			_ = s.Unsubscribe() // the connection may be gone, and the subscription with it
		}
	}()
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if p.board.watched() {
				p.board.post(event{name: "system", data: p.look(ctx)})
			}
		}
	}
}

// ServeHTTP serves the page and what it asks for.
func (p *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.routes.ServeHTTP(w, r) }

func (p *Server) mux() (http.Handler, error) {
	files, err := fs.Sub(web, "web")
	if err != nil {
		return nil, fmt.Errorf("read the page: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServerFS(files))
	mux.Handle("/slack/_control/", http.StripPrefix("/slack", p.stack.Slack))
	mux.Handle("/karte/_control/", http.StripPrefix("/karte", p.stack.KARTE))
	mux.HandleFunc("GET /api/config", p.serveConfig)
	mux.HandleFunc("GET /api/events", p.serveEvents)
	mux.HandleFunc("POST /api/grpc/{service}/{method}", p.serveGRPC)
	mux.HandleFunc("POST /api/services/{name}/{order}", p.serveOrder)
	mux.HandleFunc("POST /api/redis/flush", p.serveFlush)
	mux.HandleFunc("POST /api/pictures", p.pictures.serveUpload)
	mux.HandleFunc("GET /pictures/{name}", p.pictures.serve)
	return mux, nil
}

// policy lets the page use what comes from here and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// guarded keeps out other sites: their pages, and their names that lead here.
func guarded(next http.Handler) http.Handler {
	next = http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !loopback(r.Host) {
			http.Error(w, "the playground answers on loopback only", http.StatusForbidden)
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-cache")
		next.ServeHTTP(w, r)
	})
}

func loopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	ip := net.ParseIP(name)
	return name == "localhost" || ip != nil && ip.IsLoopback()
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a page that was closed needs no answer
}

func writeError(w http.ResponseWriter, status int, err error) {
	writeJSON(w, status, map[string]string{"error": err.Error()})
}
