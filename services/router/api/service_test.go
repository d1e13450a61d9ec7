package api

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

func on() *settingsv1.TeamSettings {
	return &settingsv1.TeamSettings{NotificationsEnabled: true, Workspace: "T0DEMO1", Channel: "C0SUPPORT"}
}

func TestUpdateChangesTheFieldsOfTheMaskAlone(t *testing.T) {
	r := start(t)
	all := on()
	all.MentionTargets, all.Language, all.Etag = []string{"U0DEMO1", "S0DEMO1"}, "en", settings.EmptyEtag
	first, err := r.UpdateTeamSettings(as(t, adminDemo), update("demo", all, "*"))
	if err != nil {
		t.Fatal(err)
	}
	patch := &settingsv1.TeamSettings{Channel: "C0OTHER", Language: "ja", UpdateTime: timestamppb.New(timestamppb.Now().AsTime().Add(1e18))}
	second, err := r.UpdateTeamSettings(as(t, adminDemo), update("demo", patch, "channel", "mention_targets"))
	if err != nil {
		t.Fatal(err)
	}
	want := proto.CloneOf(first.GetTeamSettings())
	want.Channel, want.MentionTargets = "C0OTHER", nil
	want.Etag, want.UpdateTime = second.GetTeamSettings().GetEtag(), second.GetTeamSettings().GetUpdateTime()
	got, err := r.GetTeamSettings(as(t, viewerDemo), &settingsv1.GetTeamSettingsRequest{Name: settings.TeamName("demo")})
	if err != nil || !proto.Equal(got.GetTeamSettings(), want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	if want.GetEtag() == first.GetTeamSettings().GetEtag() || want.GetUpdateTime().AsTime().Year() > 2050 {
		t.Errorf("etag or time not renewed by the server: %v", want)
	}
	reset, err := r.UpdateTeamSettings(as(t, adminDemo), update("demo", &settingsv1.TeamSettings{}, "*"))
	if err != nil || reset.GetTeamSettings().GetNotificationsEnabled() || reset.GetTeamSettings().GetChannel() != "" {
		t.Errorf("* leaves %v, %v", reset, err)
	}
}

func TestMasksThatAreRefused(t *testing.T) {
	r := start(t)
	for _, paths := range [][]string{
		{}, {""}, {"nothing"}, {"channel", "nothing"}, {"name"}, {"etag"}, {"update_time"}, {"update_time.seconds"}, {"*", "channel"},
		{"channel."}, {"channel.x"}, {"notificationsEnabled"}, {" channel"}, {strings.Repeat("x", 100_000)},
	} {
		_, err := r.UpdateTeamSettings(as(t, adminDemo), update("demo", on(), paths...))
		wantFields(t, fmt.Sprintf("%.50q", paths), err, "update_mask")
	}
	_, err := r.UpdateTeamSettings(as(t, adminDemo), &settingsv1.UpdateTeamSettingsRequest{
		TeamSettings: &settingsv1.TeamSettings{Name: settings.TeamName("demo")}})
	wantFields(t, "no mask", err, "update_mask")
}

func TestNotificationsNeedAPlace(t *testing.T) {
	r := start(t)
	_, err := r.UpdateTeamSettings(as(t, adminDemo), update("demo", on(), "notifications_enabled"))
	wantFields(t, "on, nowhere", err, "team_settings.workspace", "team_settings.channel")
	if _, err := r.UpdateTeamSettings(as(t, adminDemo), update("demo", on(), "notifications_enabled", "channel", "workspace")); err != nil {
		t.Fatal(err)
	}
	_, err = r.UpdateTeamSettings(as(t, adminDemo), update("demo", &settingsv1.TeamSettings{}, "channel"))
	wantFields(t, "channel taken away", err, "team_settings.channel")
	_, err = r.UpdateTeamSettings(as(t, adminDemo), update("demo", &settingsv1.TeamSettings{}, "channel", "notifications_enabled"))
	wantCode(t, "off and channel taken away", err, codes.OK)
}

func TestLimitsOfValues(t *testing.T) {
	r := start(t)
	ctx := as(t, adminAll)
	long := func(n int) string { return strings.Repeat("a", n) }
	targets := func(n int) (ids []string) {
		for i := range n {
			ids = append(ids, fmt.Sprintf("U0DEMO%d", i))
		}
		return ids
	}
	team := func(project string, team *settingsv1.TeamSettings) func() error {
		return func() error { _, err := r.UpdateTeamSettings(ctx, update(project, team, "language")); return err }
	}
	link := func(operator, member, display, etag string) func() error {
		request := set("demo", operator, member)
		request.OperatorLink.DisplayName, request.OperatorLink.Etag = display, etag
		return func() error { _, err := r.SetOperatorLink(ctx, request); return err }
	}
	list := func(parent string, size int32, token string) func() error {
		request := &settingsv1.ListOperatorLinksRequest{Parent: parent, PageSize: size, PageToken: token}
		return func() error { _, err := r.ListOperatorLinks(ctx, request); return err }
	}
	cases := []struct {
		name string
		call func() error
		want codes.Code
	}{
		{"project of 64", team(long(64), &settingsv1.TeamSettings{}), codes.OK},
		{"project of 65", team(long(65), &settingsv1.TeamSettings{}), codes.InvalidArgument},
		{"project with a brace", team("a}b", &settingsv1.TeamSettings{}), codes.InvalidArgument},
		{"20 targets", team("demo", &settingsv1.TeamSettings{MentionTargets: targets(20)}), codes.OK},
		{"21 targets", team("demo", &settingsv1.TeamSettings{MentionTargets: targets(21)}), codes.InvalidArgument},
		{"50000 bad targets", team("demo", &settingsv1.TeamSettings{MentionTargets: strings.Split(long(50_000), "")}), codes.InvalidArgument},
		{"same target twice", team("demo", &settingsv1.TeamSettings{Admins: []string{"U0DEMO1", "U0DEMO1"}}), codes.InvalidArgument},
		{"unknown policy", team("demo", &settingsv1.TeamSettings{MentionPolicy: 9}), codes.InvalidArgument},
		{"unknown language", team("demo", &settingsv1.TeamSettings{Language: "fr"}), codes.InvalidArgument},
		{"etag of 64", team("demo", &settingsv1.TeamSettings{Etag: long(64)}), codes.Aborted},
		{"etag of 65", team("demo", &settingsv1.TeamSettings{Etag: long(65)}), codes.InvalidArgument},
		{"operator and member of full length", link(long(64), "U"+strings.Repeat("A", 20), "", ""), codes.OK},
		{"operator of 65", link(long(65), "U0DEMO1", "", ""), codes.InvalidArgument},
		{"member of 22", link("op1", "U"+strings.Repeat("A", 21), "", ""), codes.InvalidArgument},
		{"member of 2", link("op1", "U0", "", ""), codes.InvalidArgument},
		{"display name of 200", link("op1", "U0DEMO1", strings.Repeat("山", 200), ""), codes.OK},
		{"display name of 201", link("op1", "U0DEMO1", strings.Repeat("山", 201), ""), codes.InvalidArgument},
		{"no page size", list("projects/demo", 0, ""), codes.OK},
		{"page of 1000", list("projects/demo", 1000, ""), codes.OK},
		{"page of 1001", list("projects/demo", 1001, ""), codes.InvalidArgument},
		{"page of -1", list("projects/demo", -1, ""), codes.InvalidArgument},
		{"page token of 513", list("projects/demo", 1, long(513)), codes.InvalidArgument},
		{"parent with more", list("projects/demo/operators", 1, ""), codes.InvalidArgument},
	}
	for _, c := range cases {
		wantCode(t, c.name, c.call(), c.want)
	}
	_, err := r.SetOperatorLink(ctx, set("demo", "op1", "yamada"))
	wantFields(t, "bad member", err, "operator_link.slack_member")
	if message := status.Convert(err).Message(); !strings.Contains(message, "slack_member") || strings.Contains(message, "yamada") {
		t.Errorf("message: %s", message)
	}
}

func TestLinksOverTheWire(t *testing.T) {
	r := start(t)
	ctx := as(t, operatorDemo)
	first, err := r.SetOperatorLink(ctx, set("demo", "op1", "U0DEMO1"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.GetOperatorLink(ctx, &settingsv1.GetOperatorLinkRequest{Name: settings.LinkName("demo", "op1")})
	if err != nil || !proto.Equal(got.GetOperatorLink(), first.GetOperatorLink()) {
		t.Errorf("got %v, %v; want %v", got, err, first)
	}
	_, err = r.SetOperatorLink(ctx, set("demo", "op2", "U0DEMO1"))
	wantCode(t, "member taken", err, codes.AlreadyExists)
	stale := set("demo", "op1", "U0DEMO2")
	stale.OperatorLink.Etag = "something"
	_, err = r.SetOperatorLink(ctx, stale)
	wantCode(t, "stale", err, codes.Aborted)
	remove := &settingsv1.DeleteOperatorLinkRequest{Name: settings.LinkName("demo", "op1"), Etag: "something"}
	_, err = r.DeleteOperatorLink(ctx, remove)
	wantCode(t, "stale delete", err, codes.Aborted)
	remove.Etag = first.GetOperatorLink().GetEtag()
	_, err = r.DeleteOperatorLink(ctx, remove)
	wantCode(t, "delete", err, codes.OK)
	_, err = r.DeleteOperatorLink(ctx, remove)
	wantCode(t, "delete again", err, codes.NotFound)
	_, err = r.GetOperatorLink(ctx, &settingsv1.GetOperatorLinkRequest{Name: settings.LinkName("demo", "op1")})
	wantCode(t, "get deleted", err, codes.NotFound)
}

func TestPagesAreReadInOrderAndTheirTokensCannotBeMadeUp(t *testing.T) {
	r, ctx := start(t), as(t, adminAll)
	for i := range 5 {
		for _, project := range []string{"demo", "other"} {
			if _, err := r.SetOperatorLink(ctx, set(project, fmt.Sprintf("op%d", i), fmt.Sprintf("U0DEMO%d", i))); err != nil {
				t.Fatal(err)
			}
		}
	}
	list := func(project, token string) (*settingsv1.ListOperatorLinksResponse, error) {
		return r.ListOperatorLinks(ctx, &settingsv1.ListOperatorLinksRequest{
			Parent: settings.ProjectName(project), PageSize: 2, PageToken: token})
	}
	var names []string
	var tokens []string
	for token, more := "", true; more; more = token != "" {
		page, err := list("demo", token)
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range page.GetOperatorLinks() {
			names = append(names, strings.TrimPrefix(link.GetName(), "projects/demo/operators/"))
		}
		token = page.GetNextPageToken()
		tokens = append(tokens, token)
	}
	if fmt.Sprint(names) != "[op0 op1 op2 op3 op4]" {
		t.Errorf("pages hold %v", names)
	}
	good := tokens[0]
	_, err := list("other", good)
	wantFields(t, "token of another project", err, "page_token")
	for i := range good {
		for _, c := range "A-\n" {
			if bad := good[:i] + string(c) + good[i+1:]; bad != good {
				_, err := list("demo", bad)
				wantFields(t, fmt.Sprintf("byte %d changed", i), err, "page_token")
			}
		}
	}
	for _, bad := range []string{"x", "op1", "b3Ax", good + "A", good + "\n", good[:len(good)-4], good + "=="} {
		_, err := list("demo", bad)
		wantFields(t, bad, err, "page_token")
	}
}

func TestOfManyUpdatesWithOneEtagOneWinsOverTheWire(t *testing.T) {
	r, ctx := start(t), as(t, adminDemo)
	before, err := r.UpdateTeamSettings(ctx, update("demo", on(), "*"))
	if err != nil {
		t.Fatal(err)
	}
	results := map[codes.Code]int{}
	var mu sync.Mutex
	var calls sync.WaitGroup
	for range 50 {
		calls.Go(func() {
			team := on()
			team.Etag = before.GetTeamSettings().GetEtag()
			_, err := r.UpdateTeamSettings(ctx, update("demo", team, "channel"))
			mu.Lock()
			defer mu.Unlock()
			results[status.Code(err)]++
		})
	}
	calls.Wait()
	if results[codes.OK] != 1 || results[codes.Aborted] != 49 {
		t.Errorf("got %v", results)
	}
}
