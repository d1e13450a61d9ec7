package playground

import (
	"net/http"

	"github.com/slacktalk/slacktalk/dev/stack"
)

// config is what the page has to know of a stack. Nothing in it is a secret: names and secrets of a stack are made up.
type config struct {
	Project    string            `json:"project"`
	Team       string            `json:"team"`
	Channel    string            `json:"channel"`
	Operator   string            `json:"operator"`
	Member     string            `json:"member"`
	Admin      string            `json:"admin"`
	Roles      map[string]string `json:"roles"` // what a member is there to show, by id
	Token      string            `json:"token"`
	SlackURL   string            `json:"slack_url"`
	KarteURL   string            `json:"karte_url"`
	HookURL    string            `json:"hook_url"`
	GatewayURL string            `json:"gateway_url"`
	RouterAddr string            `json:"router_addr"`
	NATSURL    string            `json:"nats_url"`
	RedisURL   string            `json:"redis_url"`
	Secrets    stack.Secrets     `json:"secrets"`
	Services   []string          `json:"services"`
	Processes  bool              `json:"processes"` // each service is one, and can be killed
	PaceMS     int64             `json:"pace_ms"`
}

// configOf is made once: a service that is started again listens where it did.
func configOf(s *stack.Stack, o Options) config {
	return config{
		Project: stack.Project, Team: stack.Team, Channel: stack.Channel, Operator: stack.Operator, Member: stack.Hanako, Admin: stack.AdminID,
		Roles: map[string]string{stack.Hanako: "linked", stack.Taro: "unlinked", stack.AdminID: "admin", stack.Guest: "guest", stack.Partner: "connect"},
		Token: stack.AdminToken, SlackURL: s.SlackURL, KarteURL: s.KarteURL, HookURL: s.HookURL, GatewayURL: s.GatewayURL,
		RouterAddr: s.RouterAddr, NATSURL: s.NATSURL, RedisURL: s.RedisURL, Secrets: stack.DemoSecrets(),
		Services: []string{stack.IngestKARTE, stack.Router, stack.SlackGateway}, Processes: s.Processes(), PaceMS: o.Pace.Milliseconds(),
	}
}

func (p *Server) serveConfig(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, p.config)
}
