package stack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
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

type service struct {
	admin string
	stop  context.CancelFunc
	done  chan error
}

// StartService starts a service that does not run. One that ran before listens where it did.
func (s *Stack) StartService(name string) error {
	w, err := s.wire(name, s.addr(name), 0)
	if err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	s.keep(name, w.addr)
	switch name {
	case IngestKARTE:
		s.HookURL = w.url
	case Router:
		s.RouterAddr = w.addr.String()
	case SlackGateway:
		s.GatewayURL = w.url
	}
	s.launch(name, w)
	return nil
}

// AdminURL answers where a service serves its probes and metrics, nothing when it does not run.
func (s *Stack) AdminURL(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if running := s.services[name]; running != nil {
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
	s.launch(name+" at "+w.addr.String(), w)
	return w.url, nil
}

// launch runs a service under a name.
func (s *Stack) launch(name string, w wired) {
	ctx, stop := context.WithCancel(context.Background())
	svc := &service{admin: "http://" + w.admin.String(), stop: stop, done: make(chan error, 1)}
	go func() { svc.done <- w.run(ctx) }()
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
	run         func(context.Context) error
	addr, admin net.Addr
	url         string
}

// wire makes a service from its environment, exactly as its main does.
func (s *Stack) wire(name, addr string, skew time.Duration) (wired, error) {
	now := func() time.Time { return time.Now().Add(skew) }
	environ := append([]string{"ADMIN_ADDR=127.0.0.1:0", "HTTP_ADDR=" + addr, "GRPC_ADDR=" + addr}, s.options.Environ...)
	switch name {
	case IngestKARTE:
		var settings ingest.Settings
		err := s.load(&settings, append(environ, "KARTE_API_URL="+s.KarteURL, "KARTE_PROJECT="+Project), map[string]string{"KARTE_API_TOKEN": apiToken, "KARTE_CLIENT_SECRET": clientSecret})
		if err != nil {
			return wired{}, err
		}
		settings.Now = now
		a, err := ingest.New(settings, s.log.With("service", name))
		if err != nil {
			return wired{}, err
		}
		return wired{run: a.Run, addr: a.HTTP.Addr(), admin: a.Admin.Addr(), url: "http://" + a.HTTP.Addr().String() + "/hooks/karte"}, nil
	case Router:
		tokens, err := s.writeTokens()
		if err != nil {
			return wired{}, err
		}
		var settings router.Settings
		if err := s.load(&settings, append(environ, "API_TOKENS_FILE="+tokens), map[string]string{"REDIS_URL": s.RedisURL}); err != nil {
			return wired{}, err
		}
		settings.Now = now
		a, err := router.New(settings, s.log.With("service", name))
		if err != nil {
			return wired{}, err
		}
		return wired{run: a.Run, addr: a.API.Addr(), admin: a.Admin.Addr(), url: a.API.Addr().String()}, nil
	case SlackGateway:
		var settings gateway.Settings
		given, secrets := s.gateway()
		if err := s.load(&settings, append(environ, given...), secrets); err != nil {
			return wired{}, err
		}
		settings.Now, settings.Installing.Every = now, s.options.InstallationsEvery
		a, err := gateway.New(settings, s.log.With("service", name))
		if err != nil {
			return wired{}, err
		}
		return wired{run: a.Run, addr: a.HTTP.Addr(), admin: a.Admin.Addr(), url: "http://" + a.HTTP.Addr().String()}, nil
	}
	return wired{}, errors.New("no such service")
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
	secrets["SLACK_CLIENT_SECRET"], secrets["SLACK_TOKEN_KEY"] = p.ClientSecret, tokenKey
	if app := p.AppToken(); app != "" {
		delete(secrets, "SLACK_SIGNING_SECRET")
		secrets["SLACK_APP_TOKEN"] = app
	}
	return append(settings, "SLACK_CLIENT_ID="+p.ClientID, "SLACK_REDIRECT_URL=http://localhost/slack/oauth/callback"), secrets
}

// load reads a service's settings, with its secrets from the environment or from files.
func (s *Stack) load(settings any, environ []string, secrets map[string]string) error {
	secrets["NATS_URL"] = s.NATSURL
	for name, value := range secrets {
		if s.options.Secrets == "" {
			environ = append(environ, name+"="+value)
			continue
		}
		path := filepath.Join(s.options.Secrets, name)
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			if err := os.WriteFile(path, []byte(value+"\n"), 0o600); err != nil {
				return fmt.Errorf("write a secret: %w", err)
			}
		}
		environ = append(environ, name+"_FILE="+path)
	}
	return config.Load(settings, environ)
}

// keep makes a restarted service listen where it did.
func (s *Stack) keep(name string, addr net.Addr) {
	s.addrs[name] = addr.String()
}

// StopService asks a service to stop, as SIGTERM does, and waits; nothing happens when it does not run.
func (s *Stack) StopService(name string) error {
	s.mu.Lock()
	svc := s.services[name]
	delete(s.services, name)
	s.mu.Unlock()
	if svc == nil {
		return nil
	}
	svc.stop()
	if err := <-svc.done; err != nil {
		return fmt.Errorf("stop %s: %w", name, err)
	}
	return nil
}

// AwaitReady returns when every service says that it is ready.
func (s *Stack) AwaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
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
			case err := <-svc.done:
				svc.done <- err
				return fmt.Errorf("%s ended: %w", name, err)
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
