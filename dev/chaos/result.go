package chaos

import (
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/slacktalk/slacktalk/dev/slackstandin"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// Result is what a run found out.
type Result struct {
	Options   Options
	Date      time.Time
	Load, All time.Duration
	Verdict   *verdict
	// Poisoned counts the messages that belong into DEAD, Found those that are there; Dead names all others that are there.
	Poisoned, Found int
	// Repeats counts the deliveries that were repeated after the first was accepted, Doubled those that Slack made twice in any case, Late those that
	// it made after later ones.
	Repeats, Doubled, Late int
	Dead                   []string
	Recoveries             []Recovery
	// Complaints are ends of processes that nobody asked for, stops that took too long, panics.
	Complaints []string
}

// Recovery is how long after faults of one kind everything that was written around them had arrived, at most.
type Recovery struct {
	Kind             string
	Times            int
	ToSlack, ToKARTE time.Duration
}

// around is the time before and after a fault whose texts must have arrived for it to count as recovered from.
const (
	before = time.Second
	after  = 3 * time.Second
)

func (c *chaos) result(v *verdict, dead []*eventv1.DeadLetter, struck map[slackstandin.EventFaultKind]int, load, all time.Duration) *Result {
	r := &Result{
		Options: c.options, Date: time.Now().UTC(), Load: load, All: all, Verdict: v, Poisoned: len(c.poisoned), Repeats: c.repeats.count,
		Doubled: struck[slackstandin.Duplicate], Late: struck[slackstandin.Aside],
	}
	for _, letter := range dead {
		if slices.Contains(c.poisoned, letter.GetSubject()) {
			r.Found++
			continue
		}
		r.Dead = append(r.Dead, fmt.Sprintf("%s: %s: %s", letter.GetSubject(), letter.GetReason(), letter.GetCause()))
	}
	r.Recoveries = recoveries(c.happened, v.arrivals)
	r.Complaints = slices.Clone(c.complaints)
	for _, p := range c.all() {
		r.Complaints = append(r.Complaints, p.complaints()...)
		r.Complaints = append(r.Complaints, panics(p)...)
		if p != c.standins { // what the outside writes down is its own affair
			r.Complaints = append(r.Complaints, spoken(p)...)
		}
	}
	return r
}

// recoveries answers, per kind of fault in the order of the list, how long it took.
func recoveries(all []happened, arrivals []arrival) []Recovery {
	var result []Recovery
	for _, kind := range slices.Concat(faults, beside) {
		r := Recovery{Kind: kind.name}
		for _, h := range all {
			if h.kind != kind.name {
				continue
			}
			r.Times++
			for _, a := range arrivals {
				if a.sent.at.Before(h.begin.Add(-before)) || a.sent.at.After(h.begin.Add(after)) {
					continue
				}
				if took := a.at.Sub(h.begin); a.sent.kind == fromCustomer {
					r.ToSlack = max(r.ToSlack, took)
				} else {
					r.ToKARTE = max(r.ToKARTE, took)
				}
			}
		}
		if r.Times > 0 {
			result = append(result, r)
		}
	}
	return result
}

// panics looks for crashes in what a process wrote.
func panics(p *process) []string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return nil
	}
	var found []string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "panic:") || strings.HasPrefix(line, "fatal error:") {
			found = append(found, p.name+": "+strings.TrimSpace(line))
		}
	}
	return found
}

// Failures answers, in words, everything that must not be; none when the run proves what it should.
func (r *Result) Failures() []string {
	v := r.Verdict
	var failures []string
	check := func(what string, names []string) {
		if len(names) > 0 {
			failures = append(failures, fmt.Sprintf("%s: %d, such as %s", what, len(names), strings.Join(names[:min(len(names), 5)], ", ")))
		}
	}
	for _, d := range []struct {
		to string
		*direction
	}{{"to Slack", &v.ToSlack}, {"to KARTE", &v.ToKARTE}} {
		check("lost "+d.to, d.Lost)
		check("twice "+d.to, d.Twice)
		check("out of order "+d.to, d.Disorder)
		check("in the wrong place "+d.to, d.Strange)
		check("damaged "+d.to, d.Damage)
	}
	check("customers with a second thread", v.SecondThreads)
	check("stray lines", v.Stray)
	check("lines with a wrong receipt", v.WrongReceipts)
	check("unexpected dead letters", r.Dead)
	check("complaints", r.Complaints)
	if r.Found != r.Poisoned {
		failures = append(failures, fmt.Sprintf("%d of %d poisoned messages are in DEAD", r.Found, r.Poisoned))
	}
	return failures
}

// Markdown is the result as tables.
func (r *Result) Markdown() string {
	var b strings.Builder
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(&b, format+"\n", args...) }
	verdict := "passed"
	if len(r.Failures()) > 0 {
		verdict = "FAILED"
	}
	o, v := r.Options, r.Verdict
	line("### Seed %d: %s\n", o.Seed, verdict)
	if o.Nodes > 0 {
		line("%s, %d CPUs, %d customers, %d replicas of each service, %d NATS nodes (R%d), %d partitions, load for %v, all at rest after %v.\n",
			r.Date.Format(time.DateOnly), runtime.NumCPU(), o.Customers, replicas, o.Nodes, o.Nodes, o.Partitions, r.Load.Round(time.Second), r.All.Round(time.Second))
	} else {
		line("%s, %d customers, load for %v, all at rest after %v.\n", r.Date.Format(time.DateOnly), o.Customers, r.Load.Round(time.Second), r.All.Round(time.Second))
	}
	line("| | customers → Slack | operators → KARTE |\n|---|---:|---:|")
	row := func(name string, of func(d *direction) any) {
		line("| %s | %v | %v |", name, of(&v.ToSlack), of(&v.ToKARTE))
	}
	row("sent", func(d *direction) any { return d.Sent })
	row("received", func(d *direction) any { return d.Received })
	row("lost", func(d *direction) any { return len(d.Lost) })
	row("duplicated", func(d *direction) any { return len(d.Twice) })
	row("out of order", func(d *direction) any { return len(d.Disorder) })
	row("in the wrong place", func(d *direction) any { return len(d.Strange) })
	row("damaged", func(d *direction) any { return len(d.Damage) })
	row("median delay", func(d *direction) any { return quantile(d.Delays, 0.5) })
	row("99 % within", func(d *direction) any { return quantile(d.Delays, 0.99) })
	row("longest delay", func(d *direction) any { return quantile(d.Delays, 1) })
	line("\n| | |\n|---|---:|")
	line("| hooks and events repeated after they were accepted | %d |", r.Repeats)
	line("| events doubled, the copy 2 s later and past others | %d |", r.Doubled)
	line("| events 3 s late, past later ones | %d |", r.Late)
	line("| threads per customer, at most | %d |", v.MaxThreads)
	line("| stray lines in the channel | %d |", len(v.Stray))
	line("| operators' lines without the right receipt | %d |", len(v.WrongReceipts))
	line("| dead letters expected / found / others | %d / %d / %d |", r.Poisoned, r.Found, len(r.Dead))
	line("\n| fault | times | recovered within, to Slack | to KARTE |\n|---|---:|---:|---:|")
	for _, f := range r.Recoveries {
		line("| %s | %d | %v | %v |", f.Kind, f.Times, f.ToSlack.Round(100*time.Millisecond), f.ToKARTE.Round(100*time.Millisecond))
	}
	line("\nFrom the fault until all that was written up to %v after it had arrived, so about %v where nobody noticed it.", after, after)
	if failures := r.Failures(); len(failures) > 0 {
		line("\nFailures:\n")
		for _, f := range failures {
			line("- %s", f)
		}
		for _, name := range slices.Sorted(maps.Keys(v.Evidence)) {
			if seen := v.Evidence[name]; len(seen) > 0 {
				line("- %s was seen in %d places: %s", name, len(seen), strings.Join(seen, "; "))
			} else {
				line("- %s was seen nowhere", name)
			}
		}
	}
	return b.String()
}

func quantile(delays []time.Duration, q float64) time.Duration {
	if len(delays) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(delays))
	return sorted[int(q*float64(len(sorted)-1))].Round(10 * time.Millisecond)
}
