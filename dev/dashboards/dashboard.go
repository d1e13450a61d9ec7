// Package dashboards draws Grafana's dashboards with what a real Prometheus has, for tests and for the pictures of the documentation: what Grafana would ask for
// is taken from their JSON as it is, and asked.
package dashboards

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/slacktalk/slacktalk/dev/scrape"
)

// Dashboard is what is read of one.
type Dashboard struct {
	UID           string `json:"uid"`
	Title         string `json:"title"`
	SchemaVersion int    `json:"schemaVersion"`
	Templating    struct {
		List []Variable `json:"list"`
	} `json:"templating"`
	Panels []Panel `json:"panels"`
}

// Variable is one of a dashboard's variables.
type Variable struct {
	Name       string `json:"name"`
	Type       string `json:"type"`
	Label      string `json:"label"`
	Definition string `json:"definition"`
	IncludeAll bool   `json:"includeAll"`
	AllValue   string `json:"allValue"`
}

// Panel is one of a dashboard's panels.
type Panel struct {
	Title       string `json:"title"`
	Description string `json:"description"`
	Type        string `json:"type"`
	GridPos     struct {
		H int `json:"h"`
		W int `json:"w"`
		X int `json:"x"`
		Y int `json:"y"`
	} `json:"gridPos"`
	FieldConfig struct {
		Defaults struct {
			Unit string   `json:"unit"`
			Min  *float64 `json:"min"`
		} `json:"defaults"`
		Overrides []any `json:"overrides"`
	} `json:"fieldConfig"`
	Targets []Target `json:"targets"`
}

// Target is one of a panel's queries.
type Target struct {
	Expr         string `json:"expr"`
	LegendFormat string `json:"legendFormat"`
	Format       string `json:"format"`
}

// LoadAll reads the dashboards of a folder, and refuses one with something in it that would not be drawn.
func LoadAll(folder string) (all []*Dashboard, err error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		return nil, errors.Join(fmt.Errorf("no dashboards in %s", folder), err)
	}
	for _, path := range files {
		d, err := load(path)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

func load(path string) (*Dashboard, error) {
	text, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return nil, err
	}
	d := &Dashboard{}
	if err := json.Unmarshal(text, d); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if d.UID == "" || d.Title == "" || d.SchemaVersion < 36 || len(d.Panels) == 0 {
		return nil, fmt.Errorf("%s is no dashboard", path)
	}
	for _, panel := range d.Panels {
		if err := panel.drawable(); err != nil {
			return nil, fmt.Errorf("%s, panel %q: %w", path, panel.Title, err)
		}
	}
	return d, nil
}

// units are those that the page can write.
var units = []string{"short", "s", "cps", "bytes", "percentunit"}

func (p Panel) drawable() error {
	switch {
	case !slices.Contains([]string{"timeseries", "stat", "heatmap"}, p.Type):
		return fmt.Errorf("a %s is not drawn", p.Type)
	case !slices.Contains(units, p.FieldConfig.Defaults.Unit):
		return fmt.Errorf("the unit %q is not written", p.FieldConfig.Defaults.Unit)
	case len(p.FieldConfig.Overrides) > 0:
		return errors.New("overrides are not drawn")
	case p.GridPos.W < 1 || p.GridPos.X < 0 || p.GridPos.X+p.GridPos.W > 24 || p.GridPos.H < 1:
		return errors.New("it is off the grid")
	case len(p.Targets) == 0:
		return errors.New("it asks for nothing")
	case p.Type == "heatmap" && p.Targets[0].Format != "heatmap":
		return errors.New("buckets are taken for a heatmap only from a query whose format is heatmap")
	}
	return nil
}

// Choice is a variable with what was chosen for it.
type Choice struct {
	Label  string   `json:"label"`
	Shown  string   `json:"shown"`
	Values []string `json:"values"`

	name, value string
}

var labelValues = regexp.MustCompile(`^label_values\((.*), (\w+)\)$`)

// choose asks for the values of a dashboard's variables, as Grafana does when it is opened, and takes all of them.
func (d *Dashboard) choose(p *scrape.Prometheus) (choices []Choice, err error) {
	for _, v := range d.Templating.List {
		if v.Type == "datasource" {
			choices = append(choices, Choice{Label: v.Label, Shown: "Prometheus", Values: []string{"Prometheus"}, name: v.Name, value: "prometheus"})
			continue
		}
		asks := labelValues.FindStringSubmatch(v.Definition)
		if asks == nil || !v.IncludeAll || v.AllValue == "" {
			return nil, fmt.Errorf("%s: variable %s is of no kind that is known here", d.Title, v.Name)
		}
		found, err := p.Now(replacer(choices, 0).Replace(asks[1]))
		if err != nil {
			return nil, err
		}
		c := Choice{Label: v.Name, Shown: "All", name: v.Name, value: v.AllValue}
		for _, series := range found {
			if value := series.Labels[asks[2]]; value != "" && !slices.Contains(c.Values, value) {
				c.Values = append(c.Values, value)
			}
		}
		slices.Sort(c.Values)
		if len(c.Values) == 0 {
			return nil, fmt.Errorf("%s: there is nothing to choose for %s", d.Title, v.Name)
		}
		choices = append(choices, c)
	}
	return choices, nil
}

// replacer fills in variables, Grafana's own included.
func replacer(choices []Choice, rate time.Duration) *strings.Replacer {
	pairs := []string{"$__rate_interval", rate.String()}
	for _, c := range choices {
		pairs = append(pairs, "$"+c.name, c.value)
	}
	return strings.NewReplacer(pairs...)
}
