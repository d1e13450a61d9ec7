package slackstandin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrNoSuchAction is returned by ClickButton when the message or view has no element with that action_id.
var ErrNoSuchAction = errors.New("no such action")

// Click is a member's use of an interactive element.
type Click struct {
	Member   string `json:"member"`
	Channel  string `json:"channel"`
	TS       string `json:"ts"`      // of a message or an ephemeral message
	ViewID   string `json:"view_id"` // instead of channel and ts
	ActionID string `json:"action_id"`
	BlockID  string `json:"block_id"` // needed only when the action_id is in several blocks
	Value    string `json:"value"`    // what is picked in a menu; buttons have their own
	Label    string `json:"label"`    // of what is picked, when the app suggested it
	// Values are what is picked where several can be.
	Values []string `json:"values"`
	// ShownTo is whose ephemeral message it is, when a press by somebody else is to be made up: Slack lets nobody do that.
	ShownTo string `json:"shown_to"`
	// Blocks are what the member still sees, where the message has changed since.
	Blocks json.RawMessage `json:"blocks"`
	// State is what the inputs of the message or view hold: block_id → action_id → value object.
	State map[string]any `json:"state"`
	// Client is in which of the member's clients it is, as in [InClient].
	Client string `json:"client"`
}

// ClickButton sends the block_actions of a click to the interactions URL and returns the app's answer.
func (s *Server) ClickButton(ctx context.Context, click Click) (Answer, error) {
	s.mu.Lock()
	payload, err := s.clickPayload(click)
	s.opensIn(ctx, payload["trigger_id"])
	target := s.urls.Interactions
	s.touch()
	s.mu.Unlock()
	if err != nil {
		return Answer{}, fmt.Errorf("click %s: %w", click.ActionID, err)
	}
	return s.interact(ctx, target, payload)
}

func (s *Server) interact(ctx context.Context, target string, payload map[string]any) (Answer, error) {
	raw, err := encode(payload)
	if err != nil {
		return Answer{}, err
	}
	return s.postForm(ctx, target, url.Values{"payload": {string(raw)}})
}

func (s *Server) postForm(ctx context.Context, target string, form url.Values) (Answer, error) {
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	return s.post(ctx, target, header, []byte(form.Encode()))
}

// payload is what all interactions have in common.
func (s *Server) payload(kind, member string) (map[string]any, error) {
	who := s.members[member]
	if who == nil {
		return nil, apiError("user_not_found")
	}
	var enterprise any
	wide := false
	if p := s.cfg.platform; p != nil && p.Enterprise != "" {
		enterprise, wide = map[string]any{"id": p.Enterprise, "name": "organisation"}, p.wide()
	}
	return map[string]any{
		"type": kind, "token": "deprecated-verification-token", "api_app_id": s.cfg.AppID,
		"team":       map[string]any{"id": s.cfg.Team, "domain": s.cfg.TeamName},
		"user":       map[string]any{"id": who.ID, "username": who.Name, "name": who.Name, "team_id": who.Team},
		"enterprise": enterprise, "is_enterprise_install": wide, "trigger_id": s.newTrigger(member),
	}, nil
}

func (s *Server) clickPayload(click Click) (map[string]any, error) {
	payload, err := s.payload("block_actions", click.Member)
	if err != nil {
		return nil, err
	}
	var blocks json.RawMessage
	if click.ViewID != "" {
		blocks, err = s.viewClick(payload, click)
	} else {
		blocks, err = s.messageClick(payload, click)
	}
	if err != nil {
		return nil, err
	}
	if click.Blocks != nil {
		blocks = click.Blocks
	}
	action, err := pressed(blocks, click)
	if err != nil {
		return nil, err
	}
	now := s.cfg.Clock().UnixMicro()
	action["action_ts"] = fmt.Sprintf("%d.%06d", now/1e6, now%1e6)
	payload["actions"] = []any{action}
	payload["state"] = stateOf(click)
	return payload, nil
}

func stateOf(click Click) map[string]any {
	if click.State == nil {
		click.State = map[string]any{}
	}
	return map[string]any{"values": click.State}
}

func (s *Server) viewClick(payload map[string]any, click Click) (json.RawMessage, error) {
	v := s.views[click.ViewID]
	if v == nil || v.User != click.Member {
		return nil, apiError("view_not_found")
	}
	view := maps.Clone(v.Body)
	view["state"] = stateOf(click)
	payload["view"] = view
	payload["container"] = map[string]any{"type": "view", "view_id": v.ID}
	if id, ok := payload["trigger_id"].(string); ok {
		s.triggers[id].view = v.ID
	}
	blocks, _ := v.Body["blocks"].(json.RawMessage)
	return blocks, nil
}

func (s *Server) messageClick(payload map[string]any, click Click) (json.RawMessage, error) {
	c := s.channels[click.Channel]
	if c == nil {
		return nil, apiError("channel_not_found")
	}
	payload["channel"] = map[string]any{"id": c.ID, "name": c.shownName()}
	container := map[string]any{"type": "message", "channel_id": c.ID, "message_ts": click.TS, "is_ephemeral": false}
	payload["container"] = container
	hook := responseHook{channel: c.ID, user: click.Member, ts: click.TS}
	if i := s.findEphemeral(c.ID, cmp.Or(click.ShownTo, click.Member), click.TS); i >= 0 {
		e := s.ephemeral[i]
		container["is_ephemeral"] = true
		if e.ThreadTS != "" {
			container["thread_ts"] = e.ThreadTS
		}
		hook.ephemeral = true
		payload["response_url"] = s.newHook(hook)
		return e.Blocks, nil
	}
	m := c.message(click.TS)
	if m == nil {
		return nil, apiError("message_not_found")
	}
	if m.ThreadTS != "" {
		container["thread_ts"] = m.ThreadTS
	}
	payload["message"] = m.withoutMetadata()
	payload["response_url"] = s.newHook(hook)
	return m.Blocks, nil
}

func (s *Server) findEphemeral(channel, user, ts string) int {
	return slices.IndexFunc(s.ephemeral, func(e Ephemeral) bool {
		return e.Channel == channel && e.TS == ts && e.User == user
	})
}

// Command sends a slash command to the commands URL and returns the app's answer; text in the answer is shown to
// the member as an ephemeral message.
func (s *Server) Command(ctx context.Context, member, channelID, command, text string) (Answer, error) {
	s.mu.Lock()
	c, err := s.place(channelID, member)
	if err != nil {
		s.mu.Unlock()
		return Answer{}, fmt.Errorf("command %s: %w", command, err)
	}
	form := url.Values{
		"token": {"deprecated-verification-token"}, "team_id": {s.cfg.Team}, "team_domain": {s.cfg.TeamName},
		"channel_id": {c.ID}, "channel_name": {c.Name}, "user_id": {member}, "user_name": {s.members[member].Name},
		"command": {command}, "text": {text}, "api_app_id": {s.cfg.AppID}, "is_enterprise_install": {"false"},
		"response_url": {s.newHook(responseHook{channel: c.ID, user: member})}, "trigger_id": {s.newTrigger(member)},
	}
	if p := s.cfg.platform; p != nil && p.Enterprise != "" {
		form.Set("enterprise_id", p.Enterprise)
		form.Set("is_enterprise_install", strconv.FormatBool(p.wide()))
	}
	s.opensIn(ctx, form.Get("trigger_id"))
	target := s.urls.Commands
	s.touch()
	s.mu.Unlock()
	answer, err := s.postForm(ctx, target, form)
	if err != nil || answer.Status != http.StatusOK || len(answer.Body) == 0 {
		return answer, err
	}
	body := args{}
	if json.Valid(answer.Body) && strings.HasPrefix(strings.TrimSpace(string(answer.Body)), "{") {
		if err := readJSONArgs(strings.NewReader(string(answer.Body)), body); err != nil {
			return answer, err
		}
	} else {
		body["text"] = string(answer.Body)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	err = s.respond(&responseHook{channel: c.ID, user: member}, body)
	s.touch()
	return answer, err
}

// responseHook is a response_url, good five times within thirty minutes (sheet 3.2).
type responseHook struct {
	channel, user, ts string
	ephemeral         bool
	made              time.Time
	uses              int
}

// newHook makes a response_url. The lock is held.
func (s *Server) newHook(h responseHook) string {
	h.made = s.cfg.Clock()
	id := fmt.Sprintf("R%d", s.nextSerial())
	s.hooks[id] = &h
	return strings.TrimSuffix(s.urls.Self, "/") + "/response/" + id
}

func (s *Server) serveResponse(w http.ResponseWriter, r *http.Request) {
	body, err := readArgs(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls["response_url"]++
	defer s.touch()
	h := s.hooks[r.PathValue("id")]
	switch {
	case err != nil:
		writeReply(w, nil, apiError("invalid_payload"))
	case h == nil || s.cfg.Clock().Sub(h.made) > 30*time.Minute:
		writeJSON(w, http.StatusNotFound, reply{"ok": false, "error": "expired_url"})
	case h.uses >= 5:
		writeJSON(w, http.StatusNotFound, reply{"ok": false, "error": "used_url"})
	default:
		h.uses++
		writeReply(w, nil, s.respond(h, body))
	}
}

// respond does what a response says: replace or delete the original, or post, by default for one member alone.
func (s *Server) respond(h *responseHook, a args) error {
	c := s.channels[h.channel]
	if a.yes("delete_original") || a.yes("replace_original") {
		return s.respondToOriginal(c, h, a)
	}
	in, err := s.content(a)
	if err != nil {
		return err
	}
	if a["response_type"] != "in_channel" {
		s.showEphemeral(c, h.user, a["thread_ts"], in)
		return nil
	}
	m := s.ownMessage(c, args{}, in)
	if head := c.message(a["thread_ts"]); head != nil && !head.isReply() {
		m.ThreadTS, m.ParentUserID = head.TS, head.User
	}
	head := c.add(m)
	s.emitMessage(c, m, head)
	return nil
}

func (s *Server) respondToOriginal(c *channel, h *responseHook, a args) error {
	i := s.findEphemeral(h.channel, h.user, h.ts)
	m := c.message(h.ts)
	var in content
	if !a.yes("delete_original") {
		var err error
		if in, err = s.content(a); err != nil {
			return err
		}
	}
	switch {
	case h.ephemeral && i >= 0:
		s.ephemeral = slices.Clone(s.ephemeral)
		if a.yes("delete_original") {
			s.ephemeral = slices.Delete(s.ephemeral, i, i+1)
			return nil
		}
		s.ephemeral[i].Text, s.ephemeral[i].Blocks = in.text, in.blocks
	case m == nil:
		return apiError("message_not_found")
	case a.yes("delete_original"):
		s.drop(c, m, false)
	default:
		now := m.clone()
		now.Text, now.Blocks = in.text, in.blocks
		c.replace(now)
		s.emitChanged(c, now, m)
	}
	return nil
}
