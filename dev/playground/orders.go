package playground

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/slacktalk/slacktalk/dev/stack"
)

// serveOrder stops, kills and starts services. Stopping is SIGTERM, to which a service answers by finishing what it has begun; killing is SIGKILL,
// which no process notices, and needs a stack whose services are processes of their own.
func (p *Server) serveOrder(w http.ResponseWriter, r *http.Request) {
	name, order := r.PathValue("name"), r.PathValue("order")
	if !slices.Contains([]string{stack.IngestKARTE, stack.Router, stack.SlackGateway}, name) {
		writeError(w, http.StatusNotFound, fmt.Errorf("there is no service %s", name))
		return
	}
	if err := p.obey(name, order); err != nil {
		writeError(w, http.StatusConflict, err)
		return
	}
	p.board.post(event{name: "system", data: p.look(r.Context())})
	writeJSON(w, http.StatusOK, map[string]bool{"ok": true})
}

func (p *Server) obey(name, order string) error {
	p.orders.Lock()
	defer p.orders.Unlock()
	running := p.stack.AdminURL(name) != ""
	switch order {
	case "stop":
		return p.stack.StopService(name)
	case "kill":
		return p.stack.KillService(name)
	case "start", "restart":
		if running && order == "start" {
			return nil
		}
		// What ended by itself says so when it is stopped, which is why it is started again.
		if err := p.stack.StopService(name); err != nil && running {
			return err
		}
		return p.stack.StartService(name)
	}
	return fmt.Errorf("there is no order %s", order)
}
