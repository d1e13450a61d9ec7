package dashboards

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/slacktalk/slacktalk/dev/scrape"
)

// Window is what part of time is drawn.
type Window struct {
	From, To time.Time
	// Step lies between two points. Rate is Grafana's $__rate_interval, which is four scrapes at least.
	Step, Rate time.Duration
}

// Drawing is a dashboard with its data.
type Drawing struct {
	Title   string   `json:"title"`
	Choices []Choice `json:"choices"`
	Rate    string   `json:"rate"`
	// Times are those of all points, in seconds of the epoch.
	Times  []float64 `json:"times"`
	Panels []Drawn   `json:"panels"`
}

// Drawn is a panel with its data.
type Drawn struct {
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Type        string   `json:"type"`
	Unit        string   `json:"unit"`
	Min         *float64 `json:"min"`
	X           int      `json:"x"`
	Y           int      `json:"y"`
	W           int      `json:"w"`
	H           int      `json:"h"`
	Lines       []Line   `json:"lines"`
}

// Line is a series: a value at each of the drawing's times, nil where there is none.
type Line struct {
	Name   string     `json:"name"`
	Values []*float64 `json:"values"`
}

// Draw asks for everything that the dashboard shows. Its error names each panel that would be empty, or whose query Prometheus does not take.
func (d *Dashboard) Draw(p *scrape.Prometheus, w Window) (*Drawing, error) {
	choices, err := d.choose(p)
	if err != nil {
		return nil, err
	}
	drawing := &Drawing{Title: d.Title, Choices: choices, Rate: w.Rate.String()}
	for at := w.From; !at.After(w.To); at = at.Add(w.Step) {
		drawing.Times = append(drawing.Times, float64(at.UnixMilli())/1000)
	}
	var problems []error
	for _, panel := range d.Panels {
		drawn, err := panel.draw(p, w, choices, drawing.Times)
		drawing.Panels = append(drawing.Panels, drawn)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s, %s: %w", d.Title, panel.Title, err))
		}
	}
	return drawing, errors.Join(problems...)
}

func (p Panel) draw(prometheus *scrape.Prometheus, w Window, choices []Choice, times []float64) (Drawn, error) {
	drawn := Drawn{
		Title: p.Title, Description: p.Description, Type: p.Type, Unit: p.FieldConfig.Defaults.Unit, Min: p.FieldConfig.Defaults.Min,
		X: p.GridPos.X, Y: p.GridPos.Y, W: p.GridPos.W, H: p.GridPos.H, Lines: []Line{},
	}
	var problems []error
	for _, target := range p.Targets {
		expr := replacer(choices, w.Rate).Replace(target.Expr)
		all, err := prometheus.Range(expr, w.From, w.To, w.Step)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		lines := linesOf(all, target.LegendFormat, times)
		if len(lines) == 0 {
			problems = append(problems, fmt.Errorf("no data for %s", expr))
		}
		drawn.Lines = append(drawn.Lines, lines...)
	}
	if p.Type == "heatmap" {
		drawn.Lines = buckets(drawn.Lines)
	}
	return drawn, errors.Join(problems...)
}

// linesOf answers the series that have a value, in the order of their names.
func linesOf(all []scrape.Series, legend string, times []float64) (lines []Line) {
	for _, series := range all {
		line := Line{Name: named(legend, series.Labels), Values: make([]*float64, len(times))}
		some := false
		for _, point := range series.Points {
			i, found := slices.BinarySearchFunc(times, point.At, func(a, b float64) int {
				if math.Abs(a-b) < 0.0005 { // milliseconds, as they were asked for
					return 0
				}
				return cmp.Compare(a, b)
			})
			if found && !math.IsNaN(point.Value) && !math.IsInf(point.Value, 0) {
				line.Values[i] = &point.Value
				some = true
			}
		}
		if some {
			lines = append(lines, line)
		}
	}
	slices.SortFunc(lines, func(a, b Line) int { return cmp.Compare(a.Name, b.Name) })
	return lines
}

var label = regexp.MustCompile(`{{\s*(\w+)\s*}}`)

// named fills a legend in.
func named(legend string, labels map[string]string) string {
	return label.ReplaceAllStringFunc(legend, func(s string) string { return labels[label.FindStringSubmatch(s)[1]] })
}

// buckets makes of the cumulative buckets of a histogram, named after their upper ends, single ones, the lowest first.
func buckets(lines []Line) []Line {
	upper := func(l Line) float64 {
		end, err := strconv.ParseFloat(l.Name, 64) // +Inf included
		if err != nil {
			return math.NaN()
		}
		return end
	}
	slices.SortFunc(lines, func(a, b Line) int { return cmp.Compare(upper(a), upper(b)) })
	for i := len(lines) - 1; i > 0; i-- {
		for j, value := range lines[i].Values {
			if below := lines[i-1].Values[j]; value != nil && below != nil {
				only := max(*value-*below, 0)
				lines[i].Values[j] = &only
			}
		}
	}
	return lines
}
