package bench

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Result is what was measured for a row.
type Result struct {
	Title    string    `json:"title"`
	At       time.Time `json:"at"`
	Commit   string    `json:"commit"`
	Measures []Measure `json:"measures"`
	// LoadBefore and LoadAfter are the machine's load averages over a minute: what else ran at the beginning is in the first.
	LoadBefore float64 `json:"load_before"`
	LoadAfter  float64 `json:"load_after"`
}

// Measure is one figure, measured several times.
type Measure struct {
	What string `json:"what"`
	Unit string `json:"unit"`
	// Subject are the figures of the services, Reference those of what they are compared with, taken in turns.
	Subject   []float64 `json:"subject"`
	Reference []float64 `json:"reference,omitempty"`
	// Against names the reference.
	Against string `json:"against,omitempty"`
	Goal    Goal   `json:"goal"`
	// Note says what else there is to know of it.
	Note string `json:"note,omitempty"`
}

// Goal bounds the ratio of subject to reference, or the subject where there is no reference. The zero value is none.
type Goal struct {
	AtLeast float64 `json:"at_least,omitempty"`
	AtMost  float64 `json:"at_most,omitempty"`
}

// Met reports whether v keeps to the goal.
func (g Goal) Met(v float64) bool {
	return (g.AtLeast == 0 || v >= g.AtLeast) && (g.AtMost == 0 || v <= g.AtMost)
}

func (g Goal) String() string {
	switch {
	case g.AtLeast != 0:
		return "≥ " + number(g.AtLeast)
	case g.AtMost != 0:
		return "≤ " + number(g.AtMost)
	}
	return "–"
}

// Ratios answers subject by reference, turn by turn.
func (m Measure) Ratios() []float64 {
	var ratios []float64
	for i := range min(len(m.Subject), len(m.Reference)) {
		ratios = append(ratios, m.Subject[i]/m.Reference[i])
	}
	return ratios
}

// Figure is what the goal is about.
func (m Measure) Figure() []float64 {
	if len(m.Reference) > 0 {
		return m.Ratios()
	}
	return m.Subject
}

// verdict says whether the goal is met by the median.
func (m Measure) verdict() string {
	switch {
	case m.Goal == Goal{}:
		return "–"
	case m.Goal.Met(median(m.Figure())):
		return "yes"
	}
	return "**no**"
}

func (m Measure) String() string {
	s := fmt.Sprintf("%s: %s %s", m.What, spread(m.Subject), m.Unit)
	if len(m.Reference) > 0 {
		s += fmt.Sprintf(", %s: %s, ratio %s", m.Against, spread(m.Reference), spread(m.Ratios()))
	}
	return s + fmt.Sprintf(" (goal %s, met: %s)", m.Goal, strings.Trim(m.verdict(), "*"))
}

// spread writes the median with the least and the greatest.
func spread(values []float64) string {
	switch len(values) {
	case 0:
		return "–"
	case 1:
		return number(values[0])
	}
	return fmt.Sprintf("%s (%s–%s)", number(median(values)), number(slices.Min(values)), number(slices.Max(values)))
}

func median(values []float64) float64 { return quantile(values, 0.5) }

// quantile answers the value below which q of values are, between two of them where it falls there.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	at := q * float64(len(sorted)-1)
	low := int(at)
	if low+1 == len(sorted) {
		return sorted[low]
	}
	return sorted[low] + (sorted[low+1]-sorted[low])*(at-float64(low))
}

// number writes three digits, or all before the point.
func number(v float64) string {
	switch a := math.Abs(v); {
	case a >= 1000:
		s := fmt.Sprintf("%.0f", v)
		for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
			s = s[:i] + "," + s[i:]
		}
		return s
	case a >= 100 || a == math.Trunc(a):
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
