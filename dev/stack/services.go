package stack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/slacktalk/slacktalk/internal/config"
	ingest "github.com/slacktalk/slacktalk/services/ingest-karte/app"
	router "github.com/slacktalk/slacktalk/services/router/app"
	gateway "github.com/slacktalk/slacktalk/services/slack-gateway/app"
)

// The services by name.
const (
	IngestKARTE  = "ingest-karte"
	Router       = "router"
	SlackGateway = "slack-gateway"
)

// StartService starts a service that does not run. One that ran before listens where it did.
func (s *Stack) StartService(name string) error {
	svc, at, err := s.begin(name, s.addr(name))
	if err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	s.keep(name, at.Addr)
	switch name {
	case IngestKARTE:
		s.HookURL = at.URL
	case Router:
		s.RouterAddr = at.Addr
	case SlackGateway:
		s.GatewayURL = at.URL
	}
	s.add(name, svc)
	return nil
}

// begin runs a service in this process, or in one of its own.
func (s *Stack) begin(name, addr string) (*service, place, error) {
	if s.options.Processes {
		return s.spawn(name, addr)
	}
	w, err := s.wire(name, addr, 0)
	if err != nil {
		return nil, place{}, err
	}
	return launch(w), w.place, nil
}

// AdminURL answers where a service serves its probes and metrics, nothing when it does not run.
func (s *Stack) AdminURL(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if running := s.services[name]; running != nil && !running.over() {
		return running.admin
	}
	return ""
}

// StartReplica starts one more replica of a service, whose clock is wrong by skew, and answers where it listens: the hook URL, the gateway's
// URL or the router's address. Stop stops it with the others.
func (s *Stack) StartReplica(name string, skew time.Duration) (url string, err error) {
	w, err := s.wire(name, "127.0.0.1:0", skew)
	if err != nil {
		return "", fmt.Errorf("start another %s: %w", name, err)
	}
	s.add(name+" at "+w.Addr, launch(w))
	return w.URL, nil
}

func (s *Stack) add(name string, svc *service) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.services[name] = svc
}

// running answers the names of what runs; routers stop last.
func (s *Stack) running() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := slices.Collect(maps.Keys(s.services))
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(strings.Count(a, Router), strings.Count(b, Router)), cmp.Compare(a, b))
	})
	return names
}

// wired is a service that listens but does not work yet.
type wired struct {
	place
	run func(context.Context) error
}

// wire makes a service from its environment, whose clock is wrong by skew.
func (s *Stack) wire(name, addr string, skew time.Duration) (wired, error) {
	environ, err := s.environ(name, addr)
	if err != nil {
		return wired{}, err
	}
	now := func() time.Time { return time.Now().Add(skew) }
	return wire(name, environ, now, s.options.InstallationsEvery, s.log.With("service", name))
}

// wire makes a service exactly as its main does.
func wire(name string, environ []string, now func() time.Time, installationsEvery time.Duration, log *slog.Logger) (wired, error) {
	switch name {
	case IngestKARTE:
		var settings ingest.Settings
		if err := config.Load(&settings, environ); err != nil {
			return wired{}, err
		}
		settings.Now = now
		a, err := ingest.New(settings, log)
		if err != nil {
			return wired{}, err
		}
		return wired{run: a.Run, place: placeOf(a.HTTP.Addr(), a.Admin.Addr(), "/hooks/karte")}, nil
	case Router:
		var settings router.Settings
		if err := config.Load(&settings, environ); err != nil {
			return wired{}, err
		}
		settings.Now = now
		a, err := router.New(settings, log)
		if err != nil {
			return wired{}, err
		}
		at := placeOf(a.API.Addr(), a.Admin.Addr(), "")
		at.URL = at.Addr
		return wired{run: a.Run, place: at}, nil
	case SlackGateway:
		var settings gateway.Settings
		if err := config.Load(&settings, environ); err != nil {
			return wired{}, err
		}
		settings.Now, settings.Installing.Every = now, installationsEvery
		a, err := gateway.New(settings, log)
		if err != nil {
			return wired{}, err
		}
		return wired{run: a.Run, place: placeOf(a.HTTP.Addr(), a.Admin.Addr(), "")}, nil
	}
	return wired{}, errors.New("no such service")
}

// environ answers everything that a service is told.
func (s *Stack) environ(name, addr string) ([]string, error) {
	// The stand-ins keep their connections: each stop would take all of HTTP_DRAIN.
	environ := append([]string{"ADMIN_ADDR=127.0.0.1:0", "HTTP_ADDR=" + addr, "GRPC_ADDR=" + addr, "HTTP_DRAIN=0s"}, s.options.Environ...)
	switch name {
	case IngestKARTE:
		return s.withSecrets(append(environ, "KARTE_API_URL="+s.KarteURL, "KARTE_PROJECT="+Project), map[string]string{"KARTE_API_TOKEN": apiToken, "KARTE_CLIENT_SECRET": clientSecret})
	case Router:
		tokens, err := s.writeTokens()
		if err != nil {
			return nil, err
		}
		return s.withSecrets(append(environ, "API_TOKENS_FILE="+tokens), map[string]string{"REDIS_URL": s.RedisURL})
	case SlackGateway:
		given, secrets := s.gateway()
		return s.withSecrets(append(environ, given...), secrets)
	}
	return nil, errors.New("no such service")
}

// gateway answers the settings and secrets of slack-gateway.
func (s *Stack) gateway() (settings []string, secrets map[string]string) {
	settings = []string{"SLACK_API_URL=" + s.SlackURL + "/api/", "ROUTER_ADDR=" + s.RouterAddr}
	secrets = map[string]string{"SLACK_SIGNING_SECRET": signingSecret, "ROUTER_TOKEN": memberToken}
	p := s.options.Platform
	if p == nil {
		secrets["SLACK_BOT_TOKEN"] = botToken
		return settings, secrets
	}
	secrets["SLACK_CLIENT_SECRET"], secrets["SLACK_TOKEN_KEY"] = p.ClientSecret, TokenKey
	if app := p.AppToken(); app != "" {
		delete(secrets, "SLACK_SIGNING_SECRET")
		secrets["SLACK_APP_TOKEN"] = app
	}
	return append(settings, "SLACK_CLIENT_ID="+p.ClientID, "SLACK_REDIRECT_URL=http://localhost/slack/oauth/callback"), secrets
}

// withSecrets adds the secrets of a service, as values or as files.
func (s *Stack) withSecrets(environ []string, secrets map[string]string) ([]string, error) {
	secrets["NATS_URL"] = s.NATSURL
	for name, value := range secrets {
		if slices.ContainsFunc(environ, func(set string) bool { return strings.HasPrefix(set, name+"=") }) {
			continue // a test has its own
		}
		if s.options.Secrets == "" {
			environ = append(environ, name+"="+value)
			continue
		}
		path := filepath.Join(s.options.Secrets, name)
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			if err := os.WriteFile(path, []byte(value+"\n"), 0o600); err != nil {
				return nil, fmt.Errorf("write a secret: %w", err)
			}
		}
		environ = append(environ, name+"_FILE="+path)
	}
	return environ, nil
}

// Reset gives the services that are started from now on these settings besides those of the stack's options.
func (s *Stack) Reset(environ ...string) {
	if s.given == nil {
		s.given = append([]string{}, s.options.Environ...)
	}
	s.options.Environ = append(slices.Clone(s.given), environ...)
}

// keep makes a restarted service listen where it did.
func (s *Stack) keep(name, addr string) {
	s.addrs[name] = addr
}

// StopService asks a service to stop, as SIGTERM does, and waits; nothing happens when it does not run.
func (s *Stack) StopService(name string) error {
	return s.end(name, "stop", Stopped, (*service).askToStop)
}

// KillService ends a service that is a process of its own as SIGKILL does: in the middle of whatever it does.
func (s *Stack) KillService(name string) error {
	if !s.options.Processes {
		return fmt.Errorf("kill %s: it shares this process", name)
	}
	return s.end(name, "kill", Killed, (*service).askToDie)
}

func (s *Stack) end(name, how, ended string, ask func(*service)) error {
	s.mu.Lock()
	svc := s.services[name]
	delete(s.services, name)
	if svc != nil {
		s.ended[name] = ended
	}
	s.mu.Unlock()
	if svc == nil {
		return nil
	}
	ask(svc)
	if err := svc.wait(); err != nil {
		return fmt.Errorf("%s %s: %w", how, name, err)
	}
	return nil
}

// AwaitReady returns when every service says that it is ready.
func (s *Stack) AwaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute) // it may have to wait for a busy machine
	defer cancel()
	for name, svc := range s.services {
		for {
			problem, err := probe(ctx, svc.admin+"/readyz")
			if err == nil && problem == "" {
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("%s is not ready: %s %w", name, problem, errors.Join(err, ctx.Err()))
			case <-svc.done:
				return fmt.Errorf("%s ended: %w", name, svc.err)
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
	return nil
}

// probe answers what is wrong, nothing when nothing is.
func probe(ctx context.Context, url string) (problem string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusOK {
		return "", nil
	}
	body, err := io.ReadAll(response.Body)
	return string(body), err
}
