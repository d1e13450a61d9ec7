// Package top shows what the services tell Prometheus, as a person watches it.
package top

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Reading is what the services told at one moment.
type Reading struct {
	at time.Time
	// sums are counters and histograms, added up over replicas; most are gauges of which every replica tells the same.
	sums, most map[series]float64
}

// series is a metric with its labels, as name{a="b"}.
type series string

// label answers the value of a label.
func (s series) label(name string) string {
	_, rest, _ := strings.Cut(string(s), "{"+name+"=\"")
	if rest == "" {
		_, rest, _ = strings.Cut(string(s), ","+name+"=\"")
	}
	value, _, _ := strings.Cut(rest, "\"")
	return value
}

func (s series) is(name string) bool { return strings.HasPrefix(string(s), name+"{") }

// readWithin bounds one look at one service.
const readWithin = 5 * time.Second

// largest is how much of an answer is read.
const largest = 16 << 20

// Read asks every address; err names those that did not answer.
func Read(ctx context.Context, addresses []string) (Reading, error) {
	r := Reading{at: time.Now(), sums: map[series]float64{}, most: map[series]float64{}}
	var problems []error
	for _, address := range addresses {
		if err := r.add(ctx, address); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", address, err))
		}
	}
	return r, errors.Join(problems...)
}

func (r Reading) add(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(io.LimitReader(response.Body, largest))
	if err != nil {
		return fmt.Errorf("not understood: %w", err)
	}
	for name, family := range families {
		for _, m := range family.GetMetric() {
			r.note(name, m)
		}
	}
	return nil
}

func (r Reading) note(name string, m *dto.Metric) {
	var labels []string
	for _, l := range m.GetLabel() {
		labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
	}
	slices.Sort(labels)
	inside := strings.Join(labels, ",")
	key := series(name + "{" + inside + "}")
	switch {
	case m.GetCounter() != nil:
		r.sums[key] += m.GetCounter().GetValue()
	case m.GetGauge() != nil:
		r.most[key] = max(r.most[key], m.GetGauge().GetValue())
	case m.GetHistogram() != nil:
		for _, b := range m.GetHistogram().GetBucket() {
			r.sums[series(fmt.Sprintf("%s_bucket{le=\"%v\",%s}", name, b.GetUpperBound(), inside))] += float64(b.GetCumulativeCount())
		}
	}
}

// rate answers by how much a second the counters of a name have grown since before, by what of says of each.
func (r Reading) rate(before Reading, name string, of func(series) string) map[string]float64 {
	rates := map[string]float64{}
	seconds := r.at.Sub(before.at).Seconds()
	for key, value := range r.sums {
		if key.is(name) && seconds > 0 {
			rates[of(key)] += max(value-before.sums[key], 0) / seconds
		}
	}
	return rates
}

// quantile answers the bound that so much of what a histogram has seen in a direction lies below; zero when it has seen nothing.
func (r Reading) quantile(q float64, name, label, value string) float64 {
	bounds := map[float64]float64{}
	for key, n := range r.sums {
		if !key.is(name+"_bucket") || key.label(label) != value {
			continue
		}
		var bound float64
		if _, err := fmt.Sscan(key.label("le"), &bound); err == nil {
			bounds[bound] += n
		}
	}
	all := bounds[math.Inf(1)]
	if all == 0 {
		return 0
	}
	var sorted []float64
	for bound := range bounds {
		sorted = append(sorted, bound)
	}
	slices.Sort(sorted)
	for _, bound := range sorted {
		if bounds[bound] >= q*all {
			return bound
		}
	}
	return 0
}
