package slackstandin

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

// page cuts one page out of a list by the limit and cursor arguments. A cursor names the key of the item before
// the page, so what is added or removed elsewhere meanwhile shifts nothing.
func page[T any](all []T, a args, usual, most int, key func(T) string) (items []T, next string, err error) {
	limit := usual
	if a["limit"] != "" {
		if limit, err = strconv.Atoi(a["limit"]); err != nil || limit < 1 {
			return nil, "", apiError("invalid_limit")
		}
	}
	limit = min(limit, most)
	start := 0
	if a["cursor"] != "" {
		after, err := base64.StdEncoding.DecodeString(a["cursor"])
		start = slices.IndexFunc(all, func(item T) bool { return key(item) == string(after) }) + 1
		if err != nil || start == 0 {
			return nil, "", apiError("invalid_cursor")
		}
	}
	end := min(start+limit, len(all))
	items = all[start:end]
	if end < len(all) {
		next = base64.StdEncoding.EncodeToString([]byte(key(all[end-1])))
	}
	return items, next, nil
}

func messageTS(m *Message) string { return m.TS }

// within keeps the messages between oldest and latest, which themselves count only when inclusive is set.
func within(messages []*Message, a args) []*Message {
	var out []*Message
	for _, m := range messages {
		late := a["oldest"] == "" || a["oldest"] == "0" || tsLess(fullTS(a["oldest"]), m.TS)
		early := a["latest"] == "" || a["latest"] == "now" || tsLess(m.TS, fullTS(a["latest"]))
		edge := a.yes("inclusive") && (m.TS == fullTS(a["oldest"]) || m.TS == fullTS(a["latest"]))
		if late && early || edge {
			out = append(out, m)
		}
	}
	return out
}

// fullTS gives a ts of whole seconds its six decimals.
func fullTS(ts string) string {
	whole, decimals, _ := strings.Cut(ts, ".")
	return whole + "." + (decimals + "000000")[:max(6, len(decimals))]
}

func (s *Server) readable(a args) (*channel, error) {
	c, err := s.target(a["channel"])
	switch {
	case err != nil:
		return nil, err
	case !c.has(s.cfg.BotUser):
		return nil, apiError("not_in_channel")
	}
	return c, nil
}

func (s *Server) conversationsReplies(a args) (reply, error) {
	c, err := s.readable(a)
	if err != nil {
		return nil, err
	}
	thread := c.thread(a["ts"])
	if len(thread) == 0 {
		return nil, apiError("thread_not_found")
	}
	// The head comes first whatever the time range is; pages after the first leave it out.
	thread = append(thread[:1:1], within(thread[1:], a)...)
	return messagePage(thread, a, 1000)
}

func (s *Server) conversationsHistory(a args) (reply, error) {
	c, err := s.readable(a)
	if err != nil {
		return nil, err
	}
	var shown []*Message
	for _, m := range within(c.messages, a) {
		if m.inHistory() {
			shown = append(shown, m)
		}
	}
	slices.Reverse(shown)
	return messagePage(shown, a, 100)
}

func messagePage(all []*Message, a args, usual int) (reply, error) {
	items, next, err := page(all, a, usual, 1000, messageTS)
	if err != nil {
		return nil, err
	}
	shown := make([]*Message, len(items))
	for i, m := range items {
		shown[i] = m
		if !a.yes("include_all_metadata") {
			shown[i] = m.withoutMetadata()
		}
	}
	return reply{"messages": shown, "has_more": next != "", "response_metadata": reply{"next_cursor": next}}, nil
}

func (s *Server) channelJSON(c *channel) reply {
	out := reply{
		"id": c.ID, "created": c.created, "is_im": c.DM, "is_mpim": false, "is_archived": c.Archived,
		"is_private": c.Private || c.DM, "is_shared": c.ExtShared, "is_ext_shared": c.ExtShared, "is_org_shared": false,
		"context_team_id": s.cfg.Team,
	}
	if c.DM {
		for _, id := range c.inside {
			if id != s.cfg.BotUser {
				out["user"] = id
			}
		}
		return out
	}
	out["name"], out["name_normalized"] = c.Name, c.Name
	out["is_channel"], out["is_group"] = !c.Private, c.Private
	out["is_member"] = c.has(s.cfg.BotUser)
	return out
}

func (s *Server) conversationsInfo(a args) (reply, error) {
	c, err := s.target(a["channel"])
	if err != nil {
		return nil, err
	}
	out := s.channelJSON(c)
	if a.yes("include_num_members") {
		out["num_members"] = len(c.inside)
	}
	if a.yes("include_locale") {
		out["locale"] = "en-US"
	}
	return reply{"channel": out}, nil
}

func (s *Server) conversationsJoin(a args) (reply, error) {
	c, err := s.target(a["channel"])
	switch {
	case err != nil:
		return nil, err
	case c.Private || c.DM:
		return nil, apiError("method_not_supported_for_channel_type")
	case c.Archived:
		return nil, apiError("is_archived")
	}
	out := reply{}
	if c.enter(s.cfg.BotUser) {
		s.emitMembership(c, "member_joined_channel", s.cfg.BotUser, "")
	} else {
		out["warning"] = "already_in_channel"
		out["response_metadata"] = reply{"warnings": []string{"already_in_channel"}}
	}
	out["channel"] = s.channelJSON(c)
	return out, nil
}

func (s *Server) conversationsMembers(a args) (reply, error) {
	c, err := s.target(a["channel"])
	if err != nil {
		return nil, err
	}
	items, next, err := page(c.inside, a, 100, 1000, func(id string) string { return id })
	if err != nil {
		return nil, err
	}
	return reply{"members": append([]string{}, items...), "response_metadata": reply{"next_cursor": next}}, nil
}

func (s *Server) conversationsList(a args) (reply, error) {
	types := a["types"]
	if types == "" {
		types = "public_channel"
	}
	kinds := strings.Split(types, ",")
	var shown []string
	for _, id := range s.order {
		c := s.channels[id]
		kind := map[string]string{"channel": "public_channel", "group": "private_channel", "im": "im"}[c.kind()]
		hidden := c.Private && !c.has(s.cfg.BotUser) || c.Archived && a.yes("exclude_archived")
		if slices.Contains(kinds, kind) && !hidden {
			shown = append(shown, id)
		}
	}
	items, next, err := page(shown, a, 100, 1000, func(id string) string { return id })
	if err != nil {
		return nil, err
	}
	channels := []reply{}
	for _, id := range items {
		channels = append(channels, s.channelJSON(s.channels[id]))
	}
	return reply{"channels": channels, "response_metadata": reply{"next_cursor": next}}, nil
}

func (s *Server) conversationsOpen(a args) (reply, error) {
	if a["channel"] != "" {
		c, err := s.target(a["channel"])
		if err != nil {
			return nil, err
		}
		return reply{"no_op": true, "already_open": true, "channel": s.channelJSON(c)}, nil
	}
	if s.members[a["users"]] == nil || a["users"] == s.cfg.BotUser {
		return nil, apiError("user_not_found") // conversations of several people are not modelled
	}
	c := s.dm(a["users"])
	if a.yes("return_im") {
		return reply{"channel": s.channelJSON(c)}, nil
	}
	return reply{"channel": reply{"id": c.ID}}, nil
}
