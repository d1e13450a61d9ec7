package observe

import (
	"math"
	"testing"

	"github.com/slacktalk/slacktalk/dev/scrape"
	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/eventually"
)

// A Prometheus that asks for native histograms gets them: quantiles need no buckets, and are finer than any that were chosen.
func TestNativeHistogramsAreServedToWhoAsks(t *testing.T) {
	s := start(t, stack.Options{Environ: []string{"SLACK_PACE=10ms"}})
	p := scraped(t, s, scrape.Options{Native: true})
	says(t, s, "vis-1", "first words of somebody")
	replies(t, s, thread(t, s, "first words of somebody"), "an answer to that", "white_check_mark")
	for _, expr := range []string{
		`histogram_quantile(0.99, sum by (direction) (slacktalk_end_to_end_seconds{direction="to_slack"}))`,
		`histogram_quantile(0.99, sum by (direction) (slacktalk_end_to_end_seconds{direction="to_karte"}))`,
		`histogram_quantile(0.5, sum by (system) (slacktalk_outbound_seconds{system="slack"}))`,
	} {
		var seconds float64
		var problem error
		eventually.Holds(t, within, expr+" has a value", func() bool {
			series, err := p.Now(expr)
			if problem = err; err != nil || len(series) != 1 {
				return false
			}
			seconds = series[0].Points[0].Value
			return !math.IsNaN(seconds)
		})
		if problem != nil || seconds <= 0 || seconds > within.Seconds() {
			t.Errorf("%s: %v s, %v", expr, seconds, problem)
		}
		t.Logf("%s = %.6f", expr, seconds)
	}
	buckets, err := p.query(`slacktalk_end_to_end_seconds_bucket`)
	if err != nil || buckets != 0 {
		t.Errorf("beside native histograms there are %d series of buckets, %v", buckets, err)
	}
}
