package observe

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/eventually"
)

const (
	table = "../../docs/metrics.md"
	begin = "<!-- table -->\n"
	end   = "<!-- end of the table -->\n"
)

// row is one line of the table.
type row struct{ name, kind, labels, services, help string }

func (r row) String() string {
	return fmt.Sprintf("| `%s` | %s | %s | %s | %s |", r.name, r.kind, r.labels, r.services, r.help)
}

var foreign = regexp.MustCompile(`^(go|process|promhttp)_`)

// TestTheTableOfMetricsIsTrue holds docs/metrics.md against what the three services serve after a little of everything has happened to them. With
// UPDATE=1 it writes the table anew; rows of what did not happen in it stay.
func TestTheTableOfMetricsIsTrue(t *testing.T) {
	s := start(t, stack.Options{Environ: []string{"SLACK_PACE=10ms"}})
	happen(t, s)
	text, err := os.ReadFile(filepath.Clean(table))
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), begin)
	body, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("docs/metrics.md has lost the marks of its table")
	}
	written := rows(body)
	found, missing := tabulated(t, s), []string{}
	defer func() {
		if len(missing) > 0 {
			t.Logf("docs/metrics.md tells of %v, which nobody serves after all that", missing)
		}
	}()
	// Some of it is counted a while after its effect shows.
	eventually.Holds(t, within, "everything in the table is served", func() bool {
		found, missing = tabulated(t, s), nil
		for name := range written {
			if _, ok := found[name]; !ok {
				missing = append(missing, name)
			}
		}
		return len(missing) == 0 || os.Getenv("UPDATE") != "" && found["slacktalk_lane_pending"].name != ""
	})
	if os.Getenv("UPDATE") != "" {
		maps.Copy(written, found)
		if err := os.WriteFile(filepath.Clean(table), []byte(head+begin+format(written)+end+tail), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	for name, r := range found {
		if written[name] != r {
			t.Errorf("docs/metrics.md says of %s\n%v\nbut it is\n%v\n(UPDATE=1 go test ./observe writes the table anew)", name, written[name], r)
		}
	}
}

// tabulated answers the table of what the services serve.
func tabulated(t *testing.T, s *stack.Stack) map[string]row {
	t.Helper()
	found := map[string]row{}
	for _, service := range services {
		for name, family := range served(t, s, service) {
			if foreign.MatchString(name) {
				continue
			}
			r := row{name: name, kind: strings.ToLower(family.GetType().String()), labels: labels(family), services: service, help: family.GetHelp()}
			if before, ok := found[name]; ok {
				if before.kind != r.kind || before.labels != r.labels || before.help != r.help {
					t.Errorf("%s is not the same in all services:\n%v\n%v", name, before, r)
				}
				r.services = before.services + ", " + service
			}
			found[name] = r
		}
	}
	return found
}

// happen lets happen what makes metrics appear.
func happen(t *testing.T, s *stack.Stack) {
	t.Helper()
	s.Slack.AddFault(slackstandin.Fault{Method: "chat.postMessage", Kind: slackstandin.RateLimited, RetryAfter: 1, Count: 1})
	says(t, s, "vis-1", "first words of somebody")
	at := thread(t, s, "first words of somebody")
	replies(t, s, at, "an answer to that", "white_check_mark")
	s.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultStatus, Status: http.StatusBadRequest, Count: 1})
	replies(t, s, at, "an answer that is refused", "warning")
	s.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultAcceptThen500, Count: 1})
	replies(t, s, at, "an answer that nobody knows of", "white_check_mark")
	s.Slack.AddFault(slackstandin.Fault{Method: "chat.postMessage", Kind: slackstandin.AcceptThenStatus, Status: http.StatusInternalServerError, Count: 1})
	says(t, s, "vis-1", "words whose answer is lost")
	thread(t, s, "words whose answer is lost")
	for _, url := range []string{s.HookURL, s.GatewayURL + "/slack/events"} {
		response, err := http.Post(url, "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
	}
}

// labels answers the labels of a metric, without those that belong to its kind.
func labels(family *dto.MetricFamily) string {
	all := map[string]bool{}
	for _, m := range family.GetMetric() {
		for _, l := range m.GetLabel() {
			all["`"+l.GetName()+"`"] = true
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(all)), " ")
}

func rows(body string) map[string]row {
	all := map[string]row{}
	for line := range strings.SplitSeq(body, "\n") {
		cells := strings.Split(line, " | ")
		if len(cells) != 5 || !strings.HasPrefix(line, "| `") {
			continue
		}
		r := row{strings.Trim(cells[0], "| `"), cells[1], cells[2], cells[3], strings.TrimSuffix(cells[4], " |")}
		all[r.name] = r
	}
	return all
}

func format(rows map[string]row) string {
	var text strings.Builder
	text.WriteString("| name | type | labels | services | what it tells |\n|---|---|---|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		text.WriteString(rows[name].String() + "\n")
	}
	return text.String()
}

// TestLabelsAreFew holds that no metric has a label whose values people outside can make more: customers, threads, messages, members.
func TestLabelsAreFew(t *testing.T) {
	s := start(t, stack.Options{Environ: []string{"SLACK_PACE=1ms"}})
	count := func() (n int) {
		for _, service := range services {
			for name, family := range served(t, s, service) {
				if !foreign.MatchString(name) {
					n += len(family.GetMetric())
				}
			}
		}
		return n
	}
	for i := range 3 {
		text := fmt.Sprintf("warm words %03d", i)
		says(t, s, fmt.Sprintf("vis-warm-%d", i), text)
		replies(t, s, thread(t, s, text), "fine, thank you", "white_check_mark")
	}
	// A retry or a result that did not happen before makes a series, once; a label with a customer, a thread or a message in it makes some in every round.
	const rounds, customers = 5, 10
	quiet := false
	for round := 0; round < rounds && !quiet; round++ {
		before := count()
		for i := range customers {
			text := fmt.Sprintf("other words %d-%03d", round, i)
			says(t, s, fmt.Sprintf("vis-more-%d-%d", round, i), text)
			replies(t, s, thread(t, s, text), "fine, thank you", "white_check_mark")
		}
		quiet = count() == before
	}
	if !quiet {
		t.Errorf("%d more customers made more series in each of %d rounds", customers, rounds)
	}
	for _, service := range services {
		for name, family := range served(t, s, service) {
			for _, m := range family.GetMetric() {
				for _, l := range m.GetLabel() {
					if strings.Contains(l.GetValue(), "vis-") || strings.Contains(l.GetValue(), stack.Hanako) || strings.Contains(l.GetValue(), stack.AdminID) {
						t.Errorf("%s has %s=%q", name, l.GetName(), l.GetValue())
					}
				}
			}
		}
	}
}
