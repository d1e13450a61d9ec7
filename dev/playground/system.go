package playground

import (
	"bufio"
	"cmp"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/bus"
)

const (
	lookEvery  = 400 * time.Millisecond
	lookWithin = 2 * time.Second
)

// system is what there is behind the scenes at one moment.
type system struct {
	Services []service `json:"services"`
	Streams  []stream  `json:"streams"`
	Lanes    []lane    `json:"lanes"`
	Redis    records   `json:"redis"`
}

type service struct {
	Name    string `json:"name"`
	Running bool   `json:"running"`
	Ready   bool   `json:"ready"`
	PID     int    `json:"pid,omitempty"`
	Ended   string `json:"ended,omitempty"` // stopped, killed, or what went wrong
	Problem string `json:"problem,omitempty"`
}

type stream struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Messages    uint64 `json:"messages"`
	Bytes       uint64 `json:"bytes"`
	// Waiting is how many of them somebody has yet to take or to finish.
	Waiting uint64 `json:"waiting"`
}

// lane is the ordered queue of one channel.
type lane struct {
	Name        string `json:"name"`
	Kind        string `json:"kind"`
	Team        string `json:"team"`
	Channel     string `json:"channel"`
	Pending     uint64 `json:"pending"`   // not taken yet
	InFlight    int    `json:"in_flight"` // being worked on, or waiting to be tried again
	Redelivered int    `json:"redelivered"`
	Parked      bool   `json:"parked"`
}

func (p *Server) look(ctx context.Context) system {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	s := system{Services: p.services(ctx), Redis: p.records(ctx)}
	s.Streams, s.Lanes = p.streams(ctx)
	parked := p.parked(ctx)
	for i, l := range s.Lanes {
		s.Lanes[i].Parked = parked[l.Team+"/"+l.Channel]
	}
	return s
}

func (p *Server) services(ctx context.Context) []service {
	var all []service
	for _, name := range []string{stack.IngestKARTE, stack.Router, stack.SlackGateway} {
		now := p.stack.State(name)
		s := service{Name: name, Running: now.Admin != "", PID: now.PID, Ended: now.Ended}
		if s.Running {
			status, body, err := get(ctx, now.Admin+"/readyz")
			switch s.Ready = err == nil && status == http.StatusOK; {
			case err != nil:
				s.Problem = err.Error()
			case !s.Ready:
				s.Problem = body
			}
		}
		all = append(all, s)
	}
	return all
}

func get(ctx context.Context, url string) (status int, body string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	read, err := io.ReadAll(io.LimitReader(response.Body, 4<<20))
	return response.StatusCode, string(read), err
}

// streams answers those that hold messages, and the lanes, which are the consumers of POSTS.
func (p *Server) streams(ctx context.Context) (streams []stream, lanes []lane) {
	streams, lanes = []stream{}, []lane{}
	list := p.js.ListStreams(ctx)
	for info := range list.Info() {
		s := stream{Name: info.Config.Name, Description: info.Config.Description, Messages: info.State.Msgs, Bytes: info.State.Bytes}
		if !strings.HasPrefix(s.Name, "KV_") {
			consumers := p.consumers(ctx, s.Name)
			for _, c := range consumers {
				s.Waiting += c.NumPending + uint64(max(c.NumAckPending, 0))
			}
			if s.Name == bus.Posts {
				lanes = lanesOf(consumers)
			}
		}
		streams = append(streams, s)
	}
	slices.SortFunc(streams, func(a, b stream) int { return cmp.Compare(place(a.Name), place(b.Name)) })
	return streams, lanes
}

// place orders streams the way a message goes.
func place(name string) string {
	order := []string{bus.Talk, bus.Posts, bus.Slack, bus.Sends, bus.Held, bus.Dead, bus.Audit}
	if i := slices.Index(order, name); i >= 0 {
		return string(rune('0' + i))
	}
	return name
}

func (p *Server) consumers(ctx context.Context, name string) (all []*jetstream.ConsumerInfo) {
	s, err := p.js.Stream(ctx, name)
	if err != nil {
		return nil
	}
	for info := range s.ListConsumers(ctx).Info() {
		// Those without a durable name belong to somebody who looks something up, and leave what they do not need.
		if info.Config.Durable != "" {
			all = append(all, info)
		}
	}
	return all
}

func lanesOf(consumers []*jetstream.ConsumerInfo) []lane {
	lanes := []lane{}
	for _, c := range consumers {
		parts := strings.SplitN(c.Name, "-", 4)
		if len(parts) != 4 || parts[0] != "lane" {
			continue
		}
		lanes = append(lanes, lane{
			Name: c.Name, Kind: parts[1], Team: parts[2], Channel: parts[3], Pending: c.NumPending, InFlight: c.NumAckPending, Redelivered: c.NumRedelivered,
		})
	}
	slices.SortFunc(lanes, func(a, b lane) int { return cmp.Or(cmp.Compare(a.Channel, b.Channel), cmp.Compare(b.Kind, a.Kind)) })
	return lanes
}

// parked reads from the gateway's metrics which channels take no posts.
func (p *Server) parked(ctx context.Context) map[string]bool {
	admin := p.stack.AdminURL(stack.SlackGateway)
	if admin == "" {
		return nil
	}
	_, metrics, err := get(ctx, admin+"/metrics")
	if err != nil {
		return nil
	}
	parked := map[string]bool{}
	for lines := bufio.NewScanner(strings.NewReader(metrics)); lines.Scan(); {
		line, ok := strings.CutPrefix(lines.Text(), "slacktalk_lane_parked{")
		if labels, value, found := strings.Cut(line, "} "); ok && found && value == "1" {
			parked[label(labels, "team")+"/"+label(labels, "channel")] = true
		}
	}
	return parked
}

func label(labels, name string) string {
	for _, pair := range strings.Split(labels, ",") {
		if value, ok := strings.CutPrefix(pair, name+`="`); ok {
			return strings.TrimSuffix(value, `"`)
		}
	}
	return ""
}
