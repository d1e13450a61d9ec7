package settings_test

import (
	"errors"
	"strings"
	"testing"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

// What a name may be is written twice, in settings.proto and here; the two must never differ.
func FuzzNamesAgreeWithTheContract(f *testing.F) {
	longest := "a" + strings.Repeat("b", 63)
	for _, project := range []string{"", "demo", longest, longest + "c", "a/b", "a}b", "-a", "a\n", "デモ"} {
		f.Add("projects/" + project)
		f.Add("projects/" + project + "/teamSettings")
		f.Add("projects/" + project + "/operators/" + project)
		f.Add("projects/demo/operators/" + project + "/operators/x")
	}
	f.Fuzz(func(t *testing.T, name string) {
		project, err := settings.ParseProjectName(name)
		agree(t, name, err, settings.Check(&settingsv1.ListOperatorLinksRequest{Parent: name}), settings.ProjectName(project))
		project, err = settings.ParseTeamName(name)
		agree(t, name, err, settings.Check(&settingsv1.GetTeamSettingsRequest{Name: name}), settings.TeamName(project))
		project, operator, err := settings.ParseLinkName(name)
		agree(t, name, err, settings.Check(&settingsv1.GetOperatorLinkRequest{Name: name}), settings.LinkName(project, operator))
	})
}

func agree(t *testing.T, name string, parse, check error, back string) {
	t.Helper()
	if (parse == nil) != (check == nil) {
		t.Errorf("%q: parsing says %v, the contract says %v", name, parse, check)
	}
	if parse == nil && back != name {
		t.Errorf("%q comes back as %q", name, back)
	}
	if parse != nil && !errors.Is(parse, settings.ErrInvalid) {
		t.Errorf("%q: %v does not match ErrInvalid", name, parse)
	}
}

func TestKeysOfAProjectShareASlot(t *testing.T) {
	want := []string{"settings:{demo}:team", "settings:{demo}:links", "settings:{demo}:members"}
	got := []string{settings.TeamKey("demo"), settings.LinksKey("demo"), settings.MembersKey("demo")}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %s, want %s: the key schema is a storage format", got[i], want[i])
		}
	}
}
