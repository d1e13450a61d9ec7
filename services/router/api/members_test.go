package api

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

// The people of the workspace T0DEMO1, and some who are not of it.
const (
	headOf      = "U0ADMIN"   // listed among the admins
	tied        = "U0LINKED"  // linked to op1
	loose       = "U0FREE"    // linked to nobody
	guest       = "U0GUEST"   // a guest, listed among the admins by mistake
	robot       = "U0BOT"     // an app, likewise
	gone        = "U0GONE"    // deactivated, likewise
	partner     = "U0PARTNER" // of another company, by Slack Connect, likewise
	nobody      = "U0NOBODY"  // whom Slack does not know
	otherAdmin  = "U0OTHER"   // an admin of a project in another workspace
	memberToken = "token of the gateway"
)

// colleagues answers who they are.
type colleagues struct{ silent bool }

func (c colleagues) Ask(_ context.Context, r *eventv1.MembersRequest) (*eventv1.MembersResponse, error) {
	if c.silent {
		return nil, errors.New("nobody answers")
	}
	answer := &eventv1.MembersResponse{}
	for _, id := range r.GetMembers() {
		if id == nobody || id == otherAdmin && r.GetTeam() != "T0OTHER" {
			continue
		}
		team := r.GetTeam()
		if id == partner {
			team = "T0PARTNER"
		}
		answer.Members = append(answer.Members, &eventv1.Member{Id: id, Team: team, Guest: id == guest, Bot: id == robot, Deactivated: id == gone})
	}
	return answer, nil
}

// withMembers is a server with the project demo in T0DEMO1 and the project other in T0OTHER, and a token that may act for members.
func withMembers(t *testing.T, people People) (*running, *entries) {
	t.Helper()
	recorded := &entries{}
	path := filepath.Join(t.TempDir(), "tokens.yaml")
	file := tokensFile() + strings.Replace(entry("gateway", memberToken, "viewer", `"*"`), "}", ", acts_for_members: true}", 1)
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	tokens, err := LoadTokens(path, slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, func(o *Options) { o.People, o.Recorder, o.Tokens = people, recorded, tokens })
	for project, team := range map[string]*settingsv1.TeamSettings{
		"demo":  {Workspace: "T0DEMO1", Admins: []string{headOf, guest, robot, gone, partner, nobody}},
		"other": {Workspace: "T0OTHER", Admins: []string{otherAdmin}},
	} {
		if _, err := r.UpdateTeamSettings(as(t, adminAll), update(project, team, "workspace", "admins")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.SetOperatorLink(as(t, adminAll), set("demo", "op1", tied)); err != nil {
		t.Fatal(err)
	}
	recorded.list = nil
	return r, recorded
}

func onBehalfOf(ctx context.Context, team, id string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, memberKey, team+"/"+id)
}

// What members may do, written down a second time on purpose: method → who may make the call of the table `expected`.
var everybodyIn = []string{headOf, tied, loose}

var membersMay = map[string][]string{
	settingsService + "GetTeamSettings":    everybodyIn,
	settingsService + "ListTeamSettings":   everybodyIn,
	settingsService + "ListOperators":      everybodyIn,
	settingsService + "ListOperatorLinks":  everybodyIn,
	settingsService + "GetOperatorLink":    everybodyIn,
	settingsService + "UpdateTeamSettings": {headOf},
	settingsService + "DeleteOperatorLink": {tied},
	deadLetterService + "ListDeadLetters":  {headOf},
}

// decidedElsewhere: what members may do with saved replies is decided and tested beside them.
func decidedElsewhere(method string) bool { return strings.Contains(method, "SavedReplyService") }

func TestMembersMayDoExactlyWhatTheirKindMay(t *testing.T) {
	r, _ := withMembers(t, colleagues{})
	forEachMethod(t, r, func(method string, streams bool, want expectation) {
		if want.least == 0 || decidedElsewhere(method) {
			return
		}
		for _, who := range []string{headOf, tied, loose, guest, robot, gone, partner, nobody} {
			for _, project := range []string{"demo", "other"} {
				if project == "other" && want.everything {
					continue
				}
				err := r.call(onBehalfOf(as(t, memberToken), "T0DEMO1", who), method, streams, want, project)
				may := project == "demo" && slices.Contains(membersMay[method], who)
				if denied := status.Code(err) == codes.PermissionDenied; denied == may {
					t.Errorf("%s of %s by %s: got %v, want allowed: %v", method, project, who, err, may)
				}
				if may && method == settingsService+"DeleteOperatorLink" {
					if _, err := r.SetOperatorLink(as(t, adminAll), set("demo", "op1", tied)); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	})
}

func TestAMemberLinksThemselvesToAFreeOperatorOnly(t *testing.T) {
	r, recorded := withMembers(t, colleagues{})
	free := onBehalfOf(as(t, memberToken), "T0DEMO1", loose)
	for name, c := range map[string]struct {
		request *settingsv1.SetOperatorLinkRequest
		want    codes.Code
	}{
		"somebody else's operator": {set("demo", "op1", loose), codes.FailedPrecondition},
		"somebody else":            {set("demo", "op2", tied), codes.PermissionDenied},
		"another workspace's":      {set("other", "op2", loose), codes.PermissionDenied},
		"an etag of the past":      {&settingsv1.SetOperatorLinkRequest{OperatorLink: &settingsv1.OperatorLink{Name: settings.LinkName("demo", "op2"), SlackMember: loose, Etag: "x"}}, codes.Aborted},
	} {
		_, err := r.SetOperatorLink(free, c.request)
		if status.Code(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := r.SetOperatorLink(free, set("demo", "op2", loose)); err != nil {
		t.Errorf("a free operator: %v", err)
	}
	if _, err := r.SetOperatorLink(free, set("demo", "op3", loose)); status.Code(err) != codes.AlreadyExists {
		t.Errorf("a second operator: %v", err)
	}
	if _, err := r.DeleteOperatorLink(free, &settingsv1.DeleteOperatorLinkRequest{Name: settings.LinkName("demo", "op1")}); status.Code(err) != codes.PermissionDenied {
		t.Errorf("ends somebody else's link: %v", err)
	}
	if _, err := r.DeleteOperatorLink(free, &settingsv1.DeleteOperatorLinkRequest{Name: settings.LinkName("demo", "op2")}); err != nil {
		t.Errorf("ends their own: %v", err)
	}
	for _, entry := range recorded.list {
		if entry.GetActor() != loose || entry.GetProject() != "demo" {
			t.Errorf("recorded as %v", entry)
		}
	}
	if len(recorded.list) != 7 {
		t.Errorf("%d entries: an attempt upon another workspace's project is only logged", len(recorded.list))
	}
}

func TestSelfLinkingCanBeSwitchedOff(t *testing.T) {
	r, _ := withMembers(t, colleagues{})
	if _, err := r.UpdateTeamSettings(as(t, adminAll), update("demo", &settingsv1.TeamSettings{SelfLinkingDisabled: true}, "self_linking_disabled")); err != nil {
		t.Fatal(err)
	}
	for who, want := range map[string]codes.Code{loose: codes.PermissionDenied, headOf: codes.OK} {
		if _, err := r.SetOperatorLink(onBehalfOf(as(t, memberToken), "T0DEMO1", who), set("demo", "op2", who)); status.Code(err) != want {
			t.Errorf("%s links: %v", who, err)
		}
	}
	_, err := r.DeleteOperatorLink(onBehalfOf(as(t, memberToken), "T0DEMO1", tied), &settingsv1.DeleteOperatorLinkRequest{Name: settings.LinkName("demo", "op1")})
	if status.Code(err) != codes.PermissionDenied {
		t.Errorf("a member ends a link that admins have made: %v", err)
	}
}

func TestAnAdminDoesNotHandTheProjectToAnotherWorkspace(t *testing.T) {
	r, _ := withMembers(t, colleagues{})
	ctx := onBehalfOf(as(t, memberToken), "T0DEMO1", headOf)
	for _, paths := range [][]string{{"workspace"}, {"*"}, {"language", "workspace"}} {
		if _, err := r.UpdateTeamSettings(ctx, update("demo", &settingsv1.TeamSettings{Workspace: "T0OTHER"}, paths...)); status.Code(err) != codes.PermissionDenied {
			t.Errorf("%v: %v", paths, err)
		}
	}
	if _, err := r.UpdateTeamSettings(ctx, update("demo", &settingsv1.TeamSettings{Language: "fr"}, "language")); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a wrong value: %v", err)
	}
}

// A project without admins, or without a workspace, is nobody's in Slack.
func TestNobodyInSlackTakesAProjectThatHasNoAdmins(t *testing.T) {
	r, _ := withMembers(t, colleagues{})
	for project, team := range map[string]*settingsv1.TeamSettings{"nobodys": {Workspace: "T0DEMO1"}, "nowhere": {Admins: []string{headOf}}} {
		if _, err := r.UpdateTeamSettings(as(t, adminAll), update(project, team, "workspace", "admins")); err != nil {
			t.Fatal(err)
		}
	}
	for _, project := range []string{"nobodys", "nowhere", "never-configured"} {
		_, err := r.UpdateTeamSettings(onBehalfOf(as(t, memberToken), "T0DEMO1", headOf), update(project, &settingsv1.TeamSettings{Admins: []string{headOf}}, "admins"))
		if status.Code(err) != codes.PermissionDenied {
			t.Errorf("%s: %v", project, err)
		}
	}
}

func TestAMemberSeesTheProjectsOfTheirWorkspace(t *testing.T) {
	r, _ := withMembers(t, colleagues{})
	if _, err := r.UpdateTeamSettings(as(t, adminAll), update("demo2", &settingsv1.TeamSettings{Workspace: "T0DEMO1"}, "workspace")); err != nil {
		t.Fatal(err)
	}
	ctx := onBehalfOf(as(t, memberToken), "T0DEMO1", loose)
	var names []string
	for token := ""; ; {
		answer, err := r.ListTeamSettings(ctx, &settingsv1.ListTeamSettingsRequest{Parent: "projects/-", Workspace: "T0DEMO1", PageSize: 1, PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, team := range answer.GetTeamSettings() {
			names = append(names, team.GetName())
		}
		if token = answer.GetNextPageToken(); token == "" {
			break
		}
	}
	if want := []string{settings.TeamName("demo"), settings.TeamName("demo2")}; !slices.Equal(names, want) {
		t.Errorf("got %v, want %v", names, want)
	}
	if _, err := r.ListTeamSettings(ctx, &settingsv1.ListTeamSettingsRequest{Parent: "projects/-", Workspace: "T0OTHER"}); status.Code(err) != codes.PermissionDenied {
		t.Errorf("another workspace: %v", err)
	}
}

func TestALinkedMemberListsTheirOwnConversations(t *testing.T) {
	r, _ := withMembers(t, colleagues{})
	list := adminv1.NewConversationServiceClient(r.conn)
	for filter, want := range map[string][]codes.Code{ // of tied, of loose
		`assignee = "op1"`:                       {codes.OK, codes.PermissionDenied},
		`channel = "C0SUPPORT"`:                  {codes.OK, codes.PermissionDenied},
		`assignee = "op2"`:                       {codes.PermissionDenied, codes.PermissionDenied},
		`assignee = "op1" OR assignee = "op2"`:   {codes.PermissionDenied, codes.PermissionDenied},
		`channel = "C0SUPPORT" OR state = "NEW"`: {codes.PermissionDenied, codes.PermissionDenied},
		``:                                       {codes.PermissionDenied, codes.PermissionDenied},
	} {
		for i, who := range []string{tied, loose} {
			_, err := list.ListConversations(onBehalfOf(as(t, memberToken), "T0DEMO1", who), &adminv1.ListConversationsRequest{Parent: "projects/demo", Filter: filter})
			if status.Code(err) != want[i] {
				t.Errorf("%q by %s: %v", filter, who, err)
			}
		}
	}
}

func TestWhoActsForMembers(t *testing.T) {
	r, _ := withMembers(t, colleagues{})
	get := &settingsv1.GetTeamSettingsRequest{Name: settings.TeamName("demo")}
	for name, c := range map[string]struct {
		ctx  context.Context
		want codes.Code
	}{
		"a token that may not":      {onBehalfOf(as(t, adminAll), "T0DEMO1", headOf), codes.PermissionDenied},
		"nobody's token":            {onBehalfOf(t.Context(), "T0DEMO1", headOf), codes.Unauthenticated},
		"for two":                   {onBehalfOf(onBehalfOf(as(t, memberToken), "T0DEMO1", headOf), "T0DEMO1", tied), codes.InvalidArgument},
		"for something else":        {onBehalfOf(as(t, memberToken), "T0DEMO1", "../U0ADMIN"), codes.InvalidArgument},
		"for nothing":               {metadata.AppendToOutgoingContext(as(t, memberToken), memberKey, ""), codes.InvalidArgument},
		"the right one":             {onBehalfOf(as(t, memberToken), "T0DEMO1", tied), codes.OK},
		"itself, with its own role": {as(t, memberToken), codes.OK},
		"of another workspace":      {onBehalfOf(as(t, memberToken), "T0OTHER", otherAdmin), codes.PermissionDenied},
	} {
		if _, err := r.GetTeamSettings(c.ctx, get); status.Code(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := r.UpdateTeamSettings(as(t, memberToken), update("demo", &settingsv1.TeamSettings{}, "language")); status.Code(err) != codes.PermissionDenied {
		t.Errorf("the token itself is a viewer's: %v", err)
	}
}

func TestWhileSlackIsSilentNobodyActs(t *testing.T) {
	for name, people := range map[string]People{"silent": colleagues{silent: true}, "not asked": nil} {
		r, recorded := withMembers(t, people)
		ctx := onBehalfOf(as(t, memberToken), "T0DEMO1", headOf)
		if _, err := r.UpdateTeamSettings(ctx, update("demo", &settingsv1.TeamSettings{}, "language")); status.Code(err) != codes.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
		if len(recorded.list) != 0 {
			t.Errorf("%s: recorded %v", name, recorded.list)
		}
	}
}
