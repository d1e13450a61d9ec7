package slackstandin

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"time"
)

// View is a modal or a Home tab as it is now.
type View struct {
	ID   string         `json:"id"`
	User string         `json:"user"` // who sees it
	Hash string         `json:"hash"`
	Body map[string]any `json:"body"` // as Slack shows it to the app
	// Client is that of the member's clients in which it was opened, and which shows it: the one that gave the trigger. Empty when nobody named one.
	Client   string `json:"client,omitempty"`
	external string

	previous, root string
}

// trigger is a trigger_id, good once within three seconds (sheet 3.2).
type trigger struct {
	user   string
	client string // in which it was pressed
	view   string // where it was pressed, when that was a modal
	made   time.Time
	used   bool
}

// newTrigger makes the trigger_id of something a member did. The lock is held.
func (s *Server) newTrigger(member string) string {
	id := fmt.Sprintf("%d.%s.trigger", s.nextSerial(), s.cfg.Team)
	s.triggers[id] = &trigger{user: member, made: s.cfg.Clock()}
	return id
}

// trigger finds one that may still be used.
func (s *Server) trigger(id string) (*trigger, error) {
	t := s.triggers[id]
	switch {
	case t == nil:
		return nil, apiError("invalid_trigger_id")
	case t.used:
		return nil, apiError("exchanged_trigger_id")
	case s.cfg.Clock().Sub(t.made) > s.cfg.TriggerLife:
		return nil, apiError("expired_trigger_id")
	}
	return t, nil
}

func (s *Server) viewsOpen(a args) (reply, error) {
	t, err := s.trigger(a["trigger_id"])
	if err != nil {
		return nil, err
	}
	body, err := s.viewBody(a["view"])
	if err != nil {
		return nil, err
	}
	t.used = true
	return s.storeView(&View{ID: s.viewID(), User: t.user, Client: t.client}, body), nil
}

func (s *Server) viewsUpdate(a args) (reply, error) {
	v := s.views[a["view_id"]]
	for _, known := range s.views {
		if v == nil && a["external_id"] != "" && known.external == a["external_id"] {
			v = known
		}
	}
	switch {
	case v == nil:
		return nil, apiError("not_found")
	case a["hash"] != "" && a["hash"] != v.Hash:
		return nil, apiError("hash_conflict")
	}
	body, err := s.viewBody(a["view"])
	if err != nil {
		return nil, err
	}
	return s.storeView(v, body), nil
}

func (s *Server) viewsPublish(a args) (reply, error) {
	if s.members[a["user_id"]] == nil {
		return nil, apiError("user_not_found")
	}
	id := "VHOME" + a["user_id"]
	if v := s.views[id]; v != nil && a["hash"] != "" && a["hash"] != v.Hash {
		return nil, apiError("hash_conflict")
	}
	body, err := s.viewBody(a["view"])
	if err != nil {
		return nil, err
	}
	return s.storeView(&View{ID: id, User: a["user_id"]}, body), nil
}

func (s *Server) viewBody(raw string) (map[string]any, error) {
	var parts struct {
		Type   string
		Blocks json.RawMessage
	}
	var body map[string]any
	if json.Unmarshal([]byte(raw), &parts) != nil || json.Unmarshal([]byte(raw), &body) != nil || parts.Type == "" {
		return nil, apiError("invalid_arguments")
	}
	if len(raw) > 250_000 {
		return nil, apiError("view_too_large")
	}
	blocks, err := s.checkBlocks(string(parts.Blocks), maxViewBlocks)
	if err != nil {
		return nil, err
	}
	body["blocks"] = []any{}
	if blocks != nil {
		body["blocks"] = blocks
	}
	return body, nil
}

func (s *Server) storeView(v *View, body map[string]any) reply {
	stored := *v
	stored.Hash = fmt.Sprintf("%d.hash", s.nextSerial())
	external, _ := body["external_id"].(string)
	stored.external = cmp.Or(external, v.external)
	stored.Body = maps.Clone(body)
	maps.Copy(stored.Body, map[string]any{
		"id": v.ID, "hash": stored.Hash, "team_id": s.cfg.Team, "app_id": s.cfg.AppID, "bot_id": s.cfg.BotID,
		"root_view_id": cmp.Or(v.root, v.ID), "previous_view_id": nullable(v.previous), "state": map[string]any{"values": map[string]any{}},
	})
	s.views[v.ID] = &stored
	return reply{"view": stored.Body}
}

// nullable is null for nothing.
func nullable(id string) any {
	if id == "" {
		return nil
	}
	return id
}
