package kartestandin_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
)

const sendBody = `{"user_id":"vis-1","sender_id":"bot-demo","content":{"text":"m"}}`

func TestStatusFaults(t *testing.T) {
	s, _ := start(t, kartestandin.Config{})
	c := newClient(t, s)
	for _, status := range []int{401, 403, 429, 500, 502, 503} {
		s.AddFault(kartestandin.Fault{Path: kartestandin.PathSendFromOperator, Kind: kartestandin.FaultStatus, Status: status, RetryAfter: 7, Count: 1})
		resp, answer, err := c.do(t.Context(), http.MethodPost, kartestandin.PathSendFromOperator, "made-up-token", sendBody)
		if err != nil || resp.StatusCode != status || answer[:9] != `{"error":` {
			t.Fatalf("%d: %v %s %v", status, resp, answer, err)
		}
		if want := map[bool]string{true: "7"}[status == 429]; resp.Header.Get("Retry-After") != want {
			t.Errorf("%d: Retry-After %q", status, resp.Header.Get("Retry-After"))
		}
	}
	if status, _ := c.post(kartestandin.PathSendFromOperator, sendBody); status != http.StatusOK {
		t.Errorf("after the faults: %d", status)
	}
	if len(s.Messages("vis-1")) != 1 {
		t.Errorf("messages: %+v", s.Messages("vis-1"))
	}
}

func TestFaultsThatCutOrAnswerAfterTheEffect(t *testing.T) {
	for kind, c := range map[kartestandin.FaultKind]struct{ stored, status int }{
		kartestandin.FaultCut:             {0, 0},
		kartestandin.FaultAcceptThenCut:   {1, 0},
		kartestandin.FaultAcceptThen500:   {1, 500},
		kartestandin.FaultDelay:           {1, 200},
		kartestandin.FaultAcceptThenDelay: {1, 200},
	} {
		s, _ := start(t, kartestandin.Config{})
		s.AddFault(kartestandin.Fault{Path: "*", Kind: kind, Delay: time.Millisecond})
		resp, _, err := newClient(t, s).do(t.Context(), http.MethodPost, kartestandin.PathSendFromOperator, "made-up-token", sendBody)
		status := 0
		if err == nil {
			status = resp.StatusCode
		}
		if status != c.status || len(s.Messages("vis-1")) != c.stored {
			t.Errorf("%s: status %d, messages %+v, error %v", kind, status, s.Messages("vis-1"), err)
		}
	}
}

func TestHangs(t *testing.T) {
	for kind, stored := range map[kartestandin.FaultKind]int{
		kartestandin.FaultHang: 0, kartestandin.FaultAcceptThenHang: 1,
	} {
		s, _ := start(t, kartestandin.Config{})
		c := newClient(t, s)
		s.AddFault(kartestandin.Fault{Kind: kind, Count: 2})

		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error, 1)
		go func() {
			_, _, err := c.do(ctx, http.MethodPost, kartestandin.PathSendFromOperator, "made-up-token", sendBody)
			failed <- err
		}()
		await(t, s, func(now *kartestandin.Snapshot) bool {
			return now.Calls[kartestandin.PathSendFromOperator] == 1 && len(now.Messages("vis-1")) == stored
		})
		cancel() // the caller gives up
		if err := <-failed; err == nil {
			t.Errorf("%s: answered", kind)
		}

		go func() {
			_, _, err := c.do(t.Context(), http.MethodPost, kartestandin.PathSendFromOperator, "made-up-token", sendBody)
			failed <- err
		}()
		await(t, s, func(now *kartestandin.Snapshot) bool { return now.Calls[kartestandin.PathSendFromOperator] == 2 })
		for hung := true; hung; { // the call may not have begun to hang at the first time
			s.ClearFaults()
			select {
			case <-failed:
				hung = false
			case <-time.After(time.Millisecond):
			}
		}
	}
}

func TestFaultsPerCustomerAndCount(t *testing.T) {
	s, _ := start(t, kartestandin.Config{})
	c := newClient(t, s)
	customerWrites(t, s, member, "hi", kartestandin.Write{})
	s.AddFault(kartestandin.Fault{Kind: kartestandin.FaultStatus, Customer: "member-42", After: 1, Count: 2})
	get := func(user string) int {
		status, _ := c.post(kartestandin.PathMessageGet, fmt.Sprintf(`{"user_id":%q}`, user))
		return status
	}
	for i, call := range []struct {
		user   string
		status int
	}{{"vis-1", 200}, {"vis-42", 200}, {"vis-42", 500}, {"vis-1", 200}, {"member-42", 500}, {"member-42", 200}} {
		if got := get(call.user); got != call.status {
			t.Errorf("call %d of %s: %d", i, call.user, got)
		}
	}
}

func TestFaultProbabilityFollowsTheSeed(t *testing.T) {
	outcomes := func(seed uint64) string {
		s, _ := start(t, kartestandin.Config{Seed: seed})
		c := newClient(t, s)
		s.AddFault(kartestandin.Fault{Kind: kartestandin.FaultStatus, Probability: 0.5})
		all := ""
		for range 40 {
			status, _ := c.post(kartestandin.PathOperatorList, `{}`)
			all += fmt.Sprint(status / 100)
		}
		return all
	}
	first := outcomes(1)
	if first != outcomes(1) || first == outcomes(2) {
		t.Error("the seed does not decide")
	}
	if n := len(first); n != 40 {
		t.Errorf("%d outcomes", n)
	}
}
