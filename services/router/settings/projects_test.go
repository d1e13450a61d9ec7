package settings_test

import (
	"slices"
	"testing"

	"github.com/redis/go-redis/v9"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

func TestTheProjectsOfAWorkspace(t *testing.T) { eachRedis(t, projectsOfAWorkspace) }

func projectsOfAWorkspace(t *testing.T, client redis.UniversalClient) {
	store := newStore(client)
	put := func(project, workspace string) {
		t.Helper()
		_, err := store.UpdateTeam(t.Context(), project, func(team *settingsv1.TeamSettings) error {
			team.Workspace = workspace
			return nil
		}, "")
		if err != nil {
			t.Fatal(err)
		}
	}
	list := func(workspace string) (names []string) {
		t.Helper()
		teams, err := store.ListTeams(t.Context(), workspace)
		if err != nil {
			t.Fatal(err)
		}
		for _, team := range teams {
			names = append(names, team.GetName())
		}
		return names
	}
	if got := list("T0DEMO1"); got != nil {
		t.Errorf("before anything was configured: %v", got)
	}
	put("b", "T0DEMO1")
	put("a", "T0DEMO1")
	put("c", "T0OTHER")
	put("d", "")
	want := []string{settings.TeamName("a"), settings.TeamName("b")}
	if got := list("T0DEMO1"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	// An earlier version has kept no list.
	client.Del(t.Context(), "settings:projects")
	if got := list("T0DEMO1"); !slices.Equal(got, want) {
		t.Errorf("without the list: got %v, want %v", got, want)
	}
	put("b", "T0OTHER")
	if got := list("T0DEMO1"); !slices.Equal(got, want[:1]) {
		t.Errorf("after one has moved: %v", got)
	}
	document, err := store.Export(t.Context(), "c")
	if err != nil {
		t.Fatal(err)
	}
	client.FlushAll(t.Context())
	if _, _, err := store.Import(t.Context(), "c", document); err != nil {
		t.Fatal(err)
	}
	if got := list("T0OTHER"); !slices.Equal(got, []string{settings.TeamName("c")}) {
		t.Errorf("after an import: %v", got)
	}
	if got := list(""); got != nil {
		t.Errorf("of no workspace: %v", got)
	}
}
