package playground

import (
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// wired is a message that somebody just published. What people wrote is not in it.
type wired struct {
	Time    time.Time `json:"time"`
	Subject string    `json:"subject"`
	ID      string    `json:"id,omitempty"` // Nats-Msg-Id
	Size    int       `json:"size"`
}

// heard are the subjects of facts and commands. A stream takes a message from the same publication that is heard here.
var heard = []string{"talk.>", "slack.>", "post.>", "mark.>", "send.>", "held.>", "dead.>", "audit.>"}

func (p *Server) listen() (all []*nats.Subscription, err error) {
	for _, subject := range heard {
		s, err := p.nats.Subscribe(subject, func(m *nats.Msg) {
			if strings.HasPrefix(m.Subject, "_") || !p.board.watched() {
				return
			}
			p.board.post(event{name: "wire", data: wired{Time: time.Now(), Subject: m.Subject, ID: m.Header.Get("Nats-Msg-Id"), Size: len(m.Data)}})
		})
		if err != nil {
			return all, fmt.Errorf("listen to %s: %w", subject, err)
		}
		all = append(all, s)
	}
	return all, nil
}
