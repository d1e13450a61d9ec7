package slackstandin

import (
	"maps"
	"slices"
	"strconv"
)

func (s *Server) authTest(args) (reply, error) {
	return reply{
		"url": "https://" + s.cfg.TeamName + ".slack.com/", "team": s.cfg.TeamName, "team_id": s.cfg.Team,
		"user": s.cfg.BotName, "user_id": s.cfg.BotUser, "bot_id": s.cfg.BotID, "is_enterprise_install": false,
	}, nil
}

func (s *Server) teamInfo(args) (reply, error) {
	return reply{"team": reply{"id": s.cfg.Team, "name": s.cfg.TeamName, "domain": s.cfg.TeamName, "email_domain": ""}}, nil
}

func (s *Server) botsInfo(a args) (reply, error) {
	if a["bot"] != "" && a["bot"] != s.cfg.BotID {
		return nil, apiError("bot_not_found")
	}
	return reply{"bot": reply{
		"id": s.cfg.BotID, "app_id": s.cfg.AppID, "user_id": s.cfg.BotUser, "name": s.cfg.BotName, "deleted": false,
	}}, nil
}

func (s *Server) emojiList(args) (reply, error) {
	return reply{"emoji": s.emoji, "cache_ts": strconv.FormatInt(s.cfg.Clock().Unix(), 10)}, nil
}

func (s *Server) usersInfo(a args) (reply, error) {
	m := s.members[a["user"]]
	if m == nil {
		return nil, apiError("user_not_found")
	}
	return reply{"user": s.memberJSON(m, a.yes("include_locale"))}, nil
}

// usersList answers everybody on one page.
func (s *Server) usersList(a args) (reply, error) {
	members := []reply{}
	for _, id := range slices.Sorted(maps.Keys(s.members)) {
		members = append(members, s.memberJSON(s.members[id], a.yes("include_locale")))
	}
	return reply{"members": members, "cache_ts": s.cfg.Clock().Unix(), "response_metadata": reply{"next_cursor": ""}}, nil
}

func (s *Server) usersLookupByEmail(a args) (reply, error) {
	for _, m := range s.members {
		if m.Email != "" && m.Email == a["email"] && !m.Deleted {
			return reply{"user": s.memberJSON(m, false)}, nil
		}
	}
	return nil, apiError("users_not_found")
}

func (s *Server) memberJSON(m *Member, locale bool) reply {
	profile := reply{
		"display_name": m.DisplayName, "display_name_normalized": m.DisplayName, "real_name": m.RealName,
		"real_name_normalized": m.RealName, "team": m.Team, "image_48": "https://avatars.example.com/" + m.ID + "-48.png",
	}
	if m.Email != "" {
		profile["email"] = m.Email
	}
	if m.botID != "" {
		profile["bot_id"], profile["api_app_id"] = m.botID, s.cfg.AppID
	}
	out := reply{
		"id": m.ID, "team_id": m.Team, "name": m.Name, "real_name": m.RealName, "deleted": m.Deleted, "profile": profile,
		"is_bot": m.Bot, "is_app_user": false, "is_admin": m.Admin, "is_owner": false, "is_primary_owner": false,
		"is_restricted": m.Guest || m.SingleGuest, "is_ultra_restricted": m.SingleGuest, "tz": m.TZ,
		"updated": s.cfg.Clock().Unix(),
	}
	if p := s.cfg.platform; p != nil && p.Enterprise != "" && m.Team == s.cfg.Team {
		// Whoever is in one workspace of the organisation is in all of them here.
		out["enterprise_user"] = map[string]any{"id": m.ID, "enterprise_id": p.Enterprise, "enterprise_name": "organisation", "is_admin": false, "is_owner": false, "teams": p.ids()}
	}
	if m.Team != s.cfg.Team {
		out["is_stranger"] = true
	}
	if locale && m.Locale != "" {
		out["locale"] = m.Locale
	}
	return out
}

func (s *Server) usergroupsList(a args) (reply, error) {
	groups := []reply{}
	for _, g := range s.groups {
		out := reply{
			"id": g.ID, "team_id": s.cfg.Team, "is_usergroup": true, "name": g.Name, "handle": g.Handle,
			"is_external": false, "date_delete": 0, "user_count": len(g.Users),
		}
		if a.yes("include_users") {
			out["users"] = append([]string{}, g.Users...)
		}
		groups = append(groups, out)
	}
	return reply{"usergroups": groups}, nil
}
