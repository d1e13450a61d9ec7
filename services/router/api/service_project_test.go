package api

import (
	"bytes"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

func TestAProjectIsExportedAndImported(t *testing.T) {
	r := linked(t)
	ctx, name := as(t, adminDemo), settings.ProjectName("demo")
	r.change(t, "demo")
	exported, err := r.ExportProject(ctx, &settingsv1.ExportProjectRequest{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	r.redis.FlushAll()
	imported, err := r.ImportProject(ctx, &settingsv1.ImportProjectRequest{Name: name, Document: exported.GetDocument()})
	if err != nil {
		t.Fatal(err)
	}
	team, err := r.GetTeamSettings(ctx, &settingsv1.GetTeamSettingsRequest{Name: settings.TeamName("demo")})
	if err != nil || !proto.Equal(team.GetTeamSettings(), imported.GetTeamSettings()) || team.GetTeamSettings().GetChannel() != on().GetChannel() {
		t.Errorf("got %v, %v; import answered %v", team, err, imported)
	}
	if imported.GetOperatorLinks() != 7 || len(r.pagesOf(t, "", 1)) != 7 {
		t.Errorf("%d links, want 7", imported.GetOperatorLinks())
	}
}

func TestDocumentsThatAreRefused(t *testing.T) {
	r := start(t)
	for name, document := range map[string]string{
		"no document":     "\t{",
		"other project":   `{teamSettings: {name: projects/other/teamSettings}}`,
		"broken rule":     `{teamSettings: {name: projects/demo/teamSettings, channel: general}}`,
		"unknown field":   `{teamSettings: {name: projects/demo/teamSettings, chanel: C0SUPPORT}}`,
		"long and broken": `{teamSettings: {name: projects/demo/teamSettings, "` + strings.Repeat("x", 100_000) + `": 1}}`,
	} {
		_, err := r.ImportProject(as(t, adminDemo), &settingsv1.ImportProjectRequest{Name: settings.ProjectName("demo"), Document: []byte(document)})
		wantFields(t, name, err, "document")
		if message := status.Convert(err).Message(); len(message) > 1000 {
			t.Errorf("%s: told at length: %.100s", name, message)
		}
	}
	_, err := r.ImportProject(as(t, adminDemo), &settingsv1.ImportProjectRequest{
		Name: settings.ProjectName("demo"), Document: bytes.Repeat([]byte("#"), 200_001)})
	wantFields(t, "200,001 bytes", err, "document")
	_, err = r.ImportProject(as(t, operatorDemo), &settingsv1.ImportProjectRequest{Name: settings.ProjectName("demo"), Document: []byte("{}")})
	wantCode(t, "by an operator", err, codes.PermissionDenied)
	if keys := r.redis.Keys(); len(keys) > 0 {
		t.Errorf("refused imports left %v", keys)
	}
}
