package routing

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/retry"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// onlySettings answers what a test puts into it.
type onlySettings struct {
	Settings
	operator string
	team     *settingsv1.TeamSettings
}

func (s onlySettings) OperatorOf(context.Context, string, string) (string, bool, error) {
	return s.operator, s.operator != "", nil
}

func (s onlySettings) GetTeam(context.Context, string) (*settingsv1.TeamSettings, error) {
	return s.team, nil
}

func teamOf(second int64) *settingsv1.TeamSettings {
	return &settingsv1.TeamSettings{UpdateTime: timestamppb.New(time.Unix(second, 0))}
}

// Between reading the settings and reading the link Redis may be emptied, and may even be filled again.
func TestNobodyIsTakenForUnlinkedWhileRedisIsEmptied(t *testing.T) {
	for _, c := range []struct {
		name     string
		settings onlySettings
		operator string
		err      error
	}{
		{"linked", onlySettings{operator: "op-1", team: &settingsv1.TeamSettings{}}, "op-1", nil},
		{"not linked", onlySettings{team: teamOf(1)}, "", nil},
		{"emptied meanwhile", onlySettings{team: &settingsv1.TeamSettings{}}, "", retry.ErrParked},
		{"emptied and written anew meanwhile", onlySettings{team: teamOf(2)}, "", errSettingsChanged},
	} {
		operator, err := (&Router{settings: c.settings}).operatorOf(t.Context(), "demo-project", "U0DEMO1", teamOf(1))
		if operator != c.operator || !errors.Is(err, c.err) {
			t.Errorf("%s: got %q, %v; want %q, %v", c.name, operator, err, c.operator, c.err)
		}
	}
}
