package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/slacktalk/slacktalk/internal/telemetry"
)

// Check tells whether the service can do its work now.
type Check struct {
	// Name is shown by /readyz.
	Name string
	// Check answers nil or why not, in words for an operator and without secrets.
	Check func(ctx context.Context) error
}

// warning is a reason to act that leaves the service able to do its work.
type warning struct{ error }

// Warn makes of a check's error one that /readyz shows without being unready for it; of nil it makes nil.
func Warn(err error) error {
	if err == nil {
		return nil
	}
	return warning{err}
}

const checkTimeout = 2 * time.Second

// AdminHandler answers /healthz (the process is alive), /readyz (every check passes; else 503; the reasons, and
// warnings, as JSON) and /metrics (Prometheus).
func AdminHandler(metrics prometheus.Gatherer, checks []Check) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "alive") })
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeoutCause(r.Context(), checkTimeout, errors.New("readiness check took too long"))
		defer cancel()
		results, status := map[string]string{}, http.StatusOK
		for _, check := range checks {
			results[check.Name] = "ok"
			if err := check.Check(ctx); errors.As(err, &warning{}) {
				results[check.Name] = "warning: " + err.Error()
			} else if err != nil {
				results[check.Name], status = err.Error(), http.StatusServiceUnavailable
			}
		}
		AnswerJSON(w, status, results)
	})
	return mux
}

// WithProfiles adds Go's profiles at /debug/pprof/ to admin, where they are wanted. One may take as long as the server lets an answer take.
func WithProfiles(admin http.Handler, wanted bool) http.Handler {
	if !wanted {
		return admin
	}
	mux := http.NewServeMux()
	mux.Handle("/", admin)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

// AnswerJSON writes v with the status.
func AnswerJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// AnswerError writes a short JSON error: {"error":"…"}.
func AnswerError(w http.ResponseWriter, status int, message string) {
	AnswerJSON(w, status, map[string]string{"error": message})
}

// Listen opens addr.
func Listen(addr string) (net.Listener, error) {
	listener, err := net.Listen("tcp", addr) //nolint:noctx // lasts as long as the process
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	return listener, nil
}

// ServeHTTP serves handler on listener until ctx ends, then waits for the requests under way. Slow clients are cut off:
// 5 s for the headers, 10 s for the request, 15 s for the answer.
func ServeHTTP(listener net.Listener, handler http.Handler) Task {
	return ServeDraining(listener, handler, 0)
}

// ServeDraining is ServeHTTP for clients that keep their connections. When ctx has ended it goes on as long as drain, or until no connection is open, and tells each client
// with its next answer not to use its connection again: closed without a word, one may be in use already, and what was sent on it is lost.
func ServeDraining(listener net.Listener, handler http.Handler, drain time.Duration) Task {
	return func(ctx context.Context) error {
		d := &drained{handler: handler}
		server := &http.Server{
			Handler:           d,
			ConnState:         d.state,
			ReadHeaderTimeout: 5 * time.Second,
			ReadTimeout:       10 * time.Second,
			WriteTimeout:      15 * time.Second,
			IdleTimeout:       60 * time.Second,
			MaxHeaderBytes:    32 << 10,
		}
		failed := make(chan error, 1)
		go func() { failed <- server.Serve(listener) }()
		select {
		case err := <-failed:
			return fmt.Errorf("serve %s: %w", listener.Addr(), err)
		case <-ctx.Done():
		}
		d.drain(drain)
		stopping, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), Grace/2, errors.New("requests under way did not end"))
		defer cancel()
		err := server.Shutdown(stopping)
		<-failed //nolint:errcheck // it only tells that it was stopped
		if err != nil {
			return errors.Join(fmt.Errorf("stop serving %s: %w", listener.Addr(), err), server.Close())
		}
		return nil
	}
}

// NewRegistry makes a service's own metrics registry with Go's, the process's and the build's figures in it.
func NewRegistry(service string) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(telemetry.BuildInfo(service), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewBuildInfoCollector())
	return registry
}
