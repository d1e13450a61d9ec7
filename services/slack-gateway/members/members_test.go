package members_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/members"
)

// workspace is a Slack with some people, groups and channels.
type workspace struct {
	users          map[string]*slack.User
	groups         map[string]string
	channels       map[string]string
	err, namesErr  error
	asked, groupsN int
}

func (w *workspace) in(string) (members.Slack, error) { return w, nil }

func (w *workspace) User(_ context.Context, id string) (*slack.User, error) {
	w.asked++
	return w.users[id], w.err
}

func (w *workspace) UserGroups(context.Context) (map[string]string, error) {
	w.groupsN++
	return w.groups, w.namesErr
}

func (w *workspace) Channel(_ context.Context, id string) (string, error) {
	return w.channels[id], w.namesErr
}

func answer(t *testing.T, a *members.Answerer, request *eventv1.MembersRequest) *eventv1.MembersResponse {
	t.Helper()
	response, err := a.Answer(t.Context(), "T0DEMO1", request)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

func TestWhatDecidesIsTakenOver(t *testing.T) {
	named := func(change func(*slack.User)) *slack.User {
		u := &slack.User{ID: "U0DEMO1", TeamID: "T0DEMO1", RealName: "Hanako Sato", Locale: "ja-JP", Profile: slack.UserProfile{DisplayName: "佐藤 花子", RealName: "Hanako S", Email: "hanako@example.com"}}
		change(u)
		return u
	}
	want := func(change func(*eventv1.Member)) *eventv1.Member {
		m := &eventv1.Member{Id: "U0DEMO1", Team: "T0DEMO1", DisplayName: "佐藤 花子", Locale: "ja-JP"}
		change(m)
		return m
	}
	guest := func(m *eventv1.Member) { m.Guest = true }
	for name, c := range map[string]struct {
		user *slack.User
		want *eventv1.Member
	}{
		"a colleague":          {named(func(*slack.User) {}), want(func(*eventv1.Member) {})},
		"without display name": {named(func(u *slack.User) { u.Profile.DisplayName = "" }), want(func(m *eventv1.Member) { m.DisplayName = "Hanako Sato" })},
		"with a profile only":  {named(func(u *slack.User) { u.Profile.DisplayName, u.RealName = "", "" }), want(func(m *eventv1.Member) { m.DisplayName = "Hanako S" })},
		"a guest":              {named(func(u *slack.User) { u.IsRestricted = true }), want(guest)},
		"a one-channel guest":  {named(func(u *slack.User) { u.IsUltraRestricted = true }), want(guest)},
		"a stranger":           {named(func(u *slack.User) { u.IsStranger, u.TeamID = true, "T0OTHER" }), want(func(m *eventv1.Member) { m.Guest, m.Team = true, "T0OTHER" })},
		"of the organisation, and of this workspace": {named(func(u *slack.User) {
			u.TeamID, u.Enterprise = "T0OTHER", slack.EnterpriseUser{EnterpriseID: "E0DEMO1", Teams: []string{"T0OTHER", "T0DEMO1"}}
		}), want(func(*eventv1.Member) {})},
		"of the organisation, not of this workspace": {named(func(u *slack.User) {
			u.TeamID, u.Enterprise = "T0OTHER", slack.EnterpriseUser{EnterpriseID: "E0DEMO1", Teams: []string{"T0OTHER"}}
		}), want(func(m *eventv1.Member) { m.Team = "T0OTHER" })},
		"a bot":       {named(func(u *slack.User) { u.IsBot = true }), want(func(m *eventv1.Member) { m.Bot = true })},
		"deactivated": {named(func(u *slack.User) { u.Deleted = true }), want(func(m *eventv1.Member) { m.Deactivated = true })},
	} {
		w := &workspace{users: map[string]*slack.User{"U0DEMO1": c.user}}
		a := members.New(nil, w.in, slog.New(slog.DiscardHandler))
		got := answer(t, a, &eventv1.MembersRequest{Team: "T0DEMO1", Members: []string{"U0DEMO1", "U0NOBODY"}})
		if len(got.GetMembers()) != 1 || !proto.Equal(got.GetMembers()[0], c.want) {
			t.Errorf("%s: %v, want %v", name, got.GetMembers(), c.want)
		}
		if strings.Contains(got.String(), "example.com") {
			t.Errorf("%s: the address is told", name)
		}
	}
}

// Whether somebody is a guest is asked anew each time; names are remembered.
func TestNamesAreRememberedAndPeopleAreNot(t *testing.T) {
	w := &workspace{users: map[string]*slack.User{"U0DEMO1": {ID: "U0DEMO1"}}, groups: map[string]string{"S0DEMO1": "support"}, channels: map[string]string{"C0DEMO1": "general", "C0PRIVATE": ""}}
	a := members.New(nil, w.in, slog.New(slog.DiscardHandler))
	request := &eventv1.MembersRequest{Members: []string{"U0DEMO1"}, UserGroups: []string{"S0DEMO1"}, Channels: []string{"C0DEMO1", "C0PRIVATE"}}
	for range 2 {
		got := answer(t, a, request)
		if got.GetUserGroups()["S0DEMO1"] != "support" || got.GetChannels()["C0DEMO1"] != "general" || got.GetChannels()["C0PRIVATE"] != "" {
			t.Errorf("names: %v", got)
		}
	}
	if w.asked != 2 || w.groupsN != 1 {
		t.Errorf("asked for people %d times and for groups %d times", w.asked, w.groupsN)
	}
}

func TestWhatSlackDoesNotSay(t *testing.T) {
	errAway, errScope := errors.New("slack is away"), retry.Parked(errors.New("missing_scope"))
	request := &eventv1.MembersRequest{Members: []string{"U0DEMO1"}, UserGroups: []string{"S0DEMO1"}, Channels: []string{"C0DEMO1"}}
	for name, c := range map[string]struct {
		people, names error
		want          error
	}{
		"people":              {errAway, nil, errAway},
		"people, by scope":    {errScope, nil, errScope},
		"names":               {nil, errAway, errAway},
		"names, by one scope": {nil, errScope, nil}, // a name that is missing must not hold up replies
	} {
		w := &workspace{users: map[string]*slack.User{"U0DEMO1": {ID: "U0DEMO1"}}, err: c.people, namesErr: c.names}
		a := members.New(nil, w.in, slog.New(slog.DiscardHandler))
		response, err := a.Answer(t.Context(), "T0DEMO1", request)
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil && (len(response.GetMembers()) != 1 || response.GetChannels()["C0DEMO1"] != "") {
			t.Errorf("%s: %v", name, response)
		}
		// What could not be said is not remembered as having no name.
		w.namesErr, w.err, w.channels = nil, nil, map[string]string{"C0DEMO1": "general"}
		if got := answer(t, a, request); got.GetChannels()["C0DEMO1"] != "general" {
			t.Errorf("%s, afterwards: %v", name, got)
		}
	}
}
