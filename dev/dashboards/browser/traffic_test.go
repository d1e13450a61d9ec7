package browser

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// asks makes a call of the API: how long these take is only known while there are some.
func asks(t *testing.T, s *stack.Stack) {
	t.Helper()
	if _, err := s.Settings.GetTeamSettings(stack.Admin(t.Context()), &settingsv1.GetTeamSettingsRequest{Name: "projects/" + stack.Project + "/teamSettings"}); err != nil {
		t.Fatal(err)
	}
}

// customers write every now and then, whether or not what they wrote before has arrived.
const customers = 12

// traffic goes on for a while, in which things happen that dashboards are for: a rush, 429, a refusal, lost answers, forged requests.
func traffic(t *testing.T, s *stack.Stack, lasts time.Duration) {
	t.Helper()
	var writing sync.WaitGroup
	defer writing.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), lasts+within)
	t.Cleanup(cancel)
	n := 0
	says := func(customer int) {
		n++
		who, text := kartestandin.Customer{VisitorID: fmt.Sprintf("vis-%02d", customer)}, fmt.Sprintf("question %d of the day", n)
		writing.Go(func() {
			if _, err := s.KARTE.CustomerWrites(ctx, who, text, kartestandin.Write{Wait: true}); err != nil {
				t.Errorf("%s: %v", text, err)
			}
		})
	}
	events := incidents(t, s, says)
	chance := rand.New(rand.NewPCG(8, 8)) // every run is like the last
	beat := time.NewTicker(500 * time.Millisecond)
	defer beat.Stop()
	for began, i := time.Now(), 0; time.Since(began) < lasts; i++ {
		<-beat.C
		asks(t, s)
		says(chance.IntN(customers))
		if i%3 == 2 {
			answers(t, s, chance, i)
		}
		for len(events) > 0 && time.Since(began) > lasts*time.Duration(events[0].percent)/100 {
			events[0].happens()
			events = events[1:]
		}
	}
}

// incident is something that happens after a part of the time.
type incident struct {
	percent int
	happens func()
}

func incidents(t *testing.T, s *stack.Stack, says func(customer int)) []incident {
	slack := func(f slackstandin.Fault) func() { return func() { s.Slack.AddFault(f) } }
	karte := func(f kartestandin.Fault) func() { return func() { s.KARTE.AddFault(f) } }
	forge := func() {
		for _, url := range []string{s.HookURL, s.GatewayURL + "/slack/events"} {
			for range 5 {
				response, err := http.Post(url, "application/json", strings.NewReader("{}"))
				if err != nil {
					t.Error(err)
					return
				}
				_ = response.Body.Close()
			}
		}
	}
	return []incident{
		{10, func() {
			for i := range 60 {
				says(i % 5)
			}
		}},
		{35, slack(slackstandin.Fault{Method: "chat.postMessage", Kind: slackstandin.RateLimited, RetryAfter: 3, Count: 3})},
		{50, karte(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultStatus, Status: http.StatusBadRequest, Count: 2})},
		{60, slack(slackstandin.Fault{Method: "chat.postMessage", Kind: slackstandin.AcceptThenStatus, Status: http.StatusInternalServerError, Count: 2})},
		{65, slack(slackstandin.Fault{Method: "chat.postMessage", Kind: slackstandin.AcceptThenStatus, Status: http.StatusInternalServerError, Count: 1})},
		{65, karte(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultAcceptThen500, Count: 1})},
		{73, forge},
		{77, forge},
		{80, karte(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultStatus, Status: http.StatusTooManyRequests, RetryAfter: 2, Count: 2})},
	}
}

// answers writes a reply into one of the threads.
func answers(t *testing.T, s *stack.Stack, chance *rand.Rand, i int) {
	t.Helper()
	var heads []string
	for _, m := range s.Slack.Snapshot().Channels[stack.Channel].Messages {
		if m.User == "U0BOT" && (m.ThreadTS == "" || m.ThreadTS == m.TS) {
			heads = append(heads, m.TS)
		}
	}
	if len(heads) == 0 {
		return
	}
	if _, err := s.Slack.Write(stack.Hanako, stack.Channel, heads[chance.IntN(len(heads))], fmt.Sprintf("```answer %d of the day```", i), slackstandin.WriteOptions{}); err != nil {
		t.Error(err)
	}
}
