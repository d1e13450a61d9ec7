package observe

import (
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/dev/dashboards"
	"github.com/slacktalk/slacktalk/dev/scrape"
	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/eventually"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// Every panel of every dashboard has data, and every variable something to choose, once a little of everything has happened. How that looks,
// dev/dashboards/browser draws.
func TestDashboardsShowData(t *testing.T) {
	s := start(t, stack.Options{Environ: []string{"SLACK_PACE=10ms"}})
	p := scraped(t, s, scrape.Options{})
	eventually.Holds(t, within, "all are scraped", func() bool {
		n, err := p.query(`slacktalk_build_info`)
		return err == nil && n == len(services)
	})
	began := time.Now()
	happen(t, s)
	all, err := dashboards.LoadAll("../../deploy/grafana")
	if err != nil || len(all) < 3 {
		t.Fatalf("%d dashboards, %v", len(all), err)
	}
	for _, dashboard := range all {
		shows(t, s, p.Prometheus, dashboard, began)
	}
}

// shows waits until a dashboard shows data in all of its panels since things began to happen.
func shows(t *testing.T, s *stack.Stack, p *scrape.Prometheus, d *dashboards.Dashboard, began time.Time) {
	t.Helper()
	var problem error
	defer func() {
		if problem != nil {
			t.Log(problem)
		}
	}()
	eventually.Holds(t, within, d.Title+" shows data", func() bool {
		// How long calls take is only known while there are some.
		if _, err := s.Settings.GetTeamSettings(stack.Admin(t.Context()), &settingsv1.GetTeamSettingsRequest{Name: "projects/" + stack.Project + "/teamSettings"}); err != nil {
			t.Fatal(err)
		}
		_, problem = d.Draw(p, dashboards.Window{From: began, To: time.Now(), Step: 5 * time.Second, Rate: time.Minute})
		return problem == nil
	})
}
