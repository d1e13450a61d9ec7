package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
)

var controlling = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

// control speaks a stand-in's control API.
type control struct{ url string }

func (c control) get(ctx context.Context, path string, into any) error {
	return c.do(ctx, http.MethodGet, path, nil, into)
}

func (c control) post(ctx context.Context, path string, body, into any) error {
	return c.do(ctx, http.MethodPost, path, body, into)
}

func (c control) do(ctx context.Context, method, path string, body, into any) error {
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return fmt.Errorf("control %s: %w", path, err)
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("control %s: %w", path, err)
	}
	response, err := controlling.Do(request)
	if err != nil {
		return fmt.Errorf("control %s: %w", path, err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("control %s: %w", path, err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("control %s: %s %s", path, response.Status, answer)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("control %s: %w", path, err)
	}
	return nil
}

// slackControl is what people in Slack do.
type slackControl struct {
	control
	channels []string
}

// prepare makes the workspace's people and the linked channels, and says where events go.
func (s *slackControl) prepare(ctx context.Context, gateway string) error {
	type step struct {
		path string
		body any
	}
	steps := []step{
		{"members", slackstandin.Member{ID: member, Name: "hanako", DisplayName: "佐藤 花子"}},
		{"members", slackstandin.Member{ID: admin, Name: "admin", DisplayName: "管理者", Admin: true}},
		{"urls", slackstandin.URLs{Events: gateway + "/slack/events", Interactions: gateway + "/slack/interactions", Commands: gateway + "/slack/commands", Self: s.url}},
	}
	for _, channel := range s.channels {
		steps = append(steps, step{"channels", slackstandin.Channel{ID: channel, Name: strings.ToLower(channel)}},
			step{"bot/invite", map[string]string{"member": admin, "channel": channel}})
	}
	for _, step := range steps {
		if err := s.post(ctx, "/_control/"+step.path, step.body, nil); err != nil {
			return err
		}
	}
	return nil
}

// write lets the operator write in a thread.
func (s *slackControl) write(ctx context.Context, channel, thread, text string) (ts string, err error) {
	var answer struct {
		TS string `json:"ts"`
	}
	err = s.post(ctx, "/_control/write", map[string]string{"member": member, "channel": channel, "thread_ts": thread, "text": text}, &answer)
	return answer.TS, err
}

// fault makes calls of the Web API fail.
func (s *slackControl) fault(ctx context.Context, f slackstandin.Fault) error {
	return s.post(ctx, "/_control/faults", f, nil)
}

// eventFault makes the delivery of events go wrong.
func (s *slackControl) eventFault(ctx context.Context, f slackstandin.EventFault) error {
	return s.post(ctx, "/_control/event-faults", f, nil)
}

func (s *slackControl) messages(ctx context.Context) ([]*slackstandin.Message, error) {
	var all []*slackstandin.Message
	for _, channel := range s.channels {
		var answer struct {
			Messages []*slackstandin.Message `json:"messages"`
		}
		if err := s.get(ctx, "/_control/messages?channel="+channel, &answer); err != nil {
			return nil, err
		}
		all = append(all, answer.Messages...)
	}
	return all, nil
}

// eventFaults answers how often each kind of event fault acted.
func (s *slackControl) eventFaults(ctx context.Context) (map[slackstandin.EventFaultKind]int, error) {
	var answer struct {
		EventFaults map[slackstandin.EventFaultKind]int `json:"event_faults"`
	}
	err := s.get(ctx, "/_control/undelivered", &answer)
	return answer.EventFaults, err
}

// pending counts the events on their way, and those that will never arrive.
func (s *slackControl) pending(ctx context.Context) (pending, undelivered int, err error) {
	var answer struct {
		Pending     int               `json:"pending"`
		Undelivered []json.RawMessage `json:"undelivered"`
	}
	err = s.get(ctx, "/_control/undelivered", &answer)
	return answer.Pending, len(answer.Undelivered), err
}

// karteControl is what customers do, and what KARTE shows.
type karteControl struct{ control }

func (k *karteControl) hookURL(ctx context.Context, address string) error {
	return k.do(ctx, http.MethodPut, "/_control/hook-url", map[string]string{"url": address}, nil)
}

func (k *karteControl) write(ctx context.Context, c kartestandin.Customer, page, text string) error {
	return k.post(ctx, "/_control/customer-writes", map[string]any{"customer": c, "text": text, "write": map[string]string{"page_url": page}}, nil)
}

// fault makes calls of the REST API fail.
func (k *karteControl) fault(ctx context.Context, f kartestandin.Fault) error {
	return k.post(ctx, "/_control/faults", f, nil)
}

func (k *karteControl) snapshot(ctx context.Context) (*kartestandin.Snapshot, error) {
	var now kartestandin.Snapshot
	err := k.get(ctx, "/_control/snapshot", &now)
	return &now, err
}

// customerOf makes the n-th customer: every other one is a member of the site.
func customerOf(n int) kartestandin.Customer {
	if n%2 == 0 {
		return kartestandin.Customer{UserID: "member-" + customerNumber(n)}
	}
	return kartestandin.Customer{VisitorID: "vis-v" + customerNumber(n)}
}

// label is how a thread's head names the customer; see render's heads.
func label(n int) string {
	if n%2 == 0 {
		return "member-" + customerNumber(n)
	}
	return "v" + customerNumber(n)
}

func customerNumber(n int) string { return fmt.Sprintf("%04d", n) }
