package slackstandin

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestFaults(t *testing.T) {
	for name, tc := range map[string]struct {
		fault  Fault
		status int // 0 is no answer
		error  string
		after  string // Retry-After
		posted int
	}{
		"429":               {Fault{Kind: RateLimited, RetryAfter: 7}, 429, "ratelimited", "7", 0},
		"429, no header":    {Fault{Kind: RateLimited, OmitRetryAfter: true}, 429, "ratelimited", "", 0},
		"500":               {Fault{Kind: Status}, 500, "", "", 0},
		"503":               {Fault{Kind: Status, Status: 503}, 503, "", "", 0},
		"error":             {Fault{Kind: Failed, Error: "token_revoked"}, 200, "token_revoked", "", 0},
		"cut":               {Fault{Kind: Cut}, 0, "", "", 0},
		"accept then cut":   {Fault{Kind: AcceptThenCut}, 0, "", "", 1},
		"accept then 500":   {Fault{Kind: AcceptThenStatus}, 500, "", "", 1},
		"accept then error": {Fault{Kind: AcceptThenFailed}, 200, "internal_error", "", 1},
		"hang":              {Fault{Kind: Hang}, 0, "", "", 0},
		"accept then hang":  {Fault{Kind: AcceptThenHang}, 0, "", "", 1},
		"delay":             {Fault{Kind: Delay, Delay: time.Millisecond}, 200, "", "", 1},
		"late answer":       {Fault{Kind: AcceptThenDelayed, Delay: time.Millisecond}, 200, "", "", 1},
		"other method":      {Fault{Kind: Status, Method: "chat.update"}, 200, "", "", 1},
		"other channel":     {Fault{Kind: Status, Channel: "C0OTHER"}, 200, "", "", 1},
		"any method":        {Fault{Kind: Status, Method: "*"}, 500, "", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, Config{})
			d.AddFault(tc.fault)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if strings.Contains(string(tc.fault.Kind), "hang") {
				ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
			}
			resp, got, err := d.try(ctx, "chat.postMessage", "channel", "C0SUPPORT", "text", "x")
			switch {
			case tc.status == 0 && err == nil:
				t.Errorf("answered %v", got)
			case tc.status != 0 && (err != nil || resp.StatusCode != tc.status || resp.Header.Get("Retry-After") != tc.after):
				t.Errorf("%v %v %v", resp, got, err)
			case tc.error != "" && got["error"] != tc.error:
				t.Errorf("%v", got)
			}
			if n := len(d.Messages("C0SUPPORT")); n != tc.posted {
				t.Errorf("%d posted, want %d", n, tc.posted)
			}
		})
	}
}

func TestFaultCounts(t *testing.T) {
	outcomes := func(cfg Config, f Fault) string {
		d := newDesk(t, cfg)
		d.AddFault(f)
		var out strings.Builder
		for range 8 {
			resp, _, err := d.try(t.Context(), "auth.test")
			if err != nil {
				t.Fatal(err)
			}
			out.WriteByte("x."[map[bool]int{true: 1}[resp.StatusCode == http.StatusOK]])
		}
		return out.String()
	}
	if got := outcomes(Config{}, Fault{Kind: Status, After: 2, Count: 3}); got != "..xxx..." {
		t.Errorf("after and count: %s", got)
	}
	one := outcomes(Config{Seed: 1}, Fault{Kind: Status, Probability: 0.5})
	if again := outcomes(Config{Seed: 1}, Fault{Kind: Status, Probability: 0.5}); one != again || one == "........" || one == "xxxxxxxx" {
		t.Errorf("same seed: %s, %s", one, again)
	}
	d := newDesk(t, Config{})
	d.AddFault(Fault{Kind: Status})
	d.ClearFaults()
	d.ok("auth.test")
}

func TestClearingFaultsLetsGoOfHangingCalls(t *testing.T) {
	d := newDesk(t, Config{})
	d.AddFault(Fault{Kind: Hang})
	done := make(chan error)
	go func() {
		_, _, err := d.try(t.Context(), "auth.test")
		done <- err
	}()
	d.await("the call", func(s *Snapshot) bool { return s.Calls["auth.test"] == 1 })
	for {
		d.ClearFaults() // again until the call, which was only counted, hangs
		select {
		case err := <-done:
			if err == nil {
				t.Error("a hanging call was answered")
			}
			return
		case <-time.After(time.Millisecond):
		}
	}
}

func TestPostsPerChannelAndSecond(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	d := newDesk(t, Config{PostsPerSecond: 1, Burst: 2, PublicWrite: true, Clock: func() time.Time { return now }})
	limited := func(channel string) string {
		resp, _, err := d.try(t.Context(), "chat.postMessage", "channel", channel, "text", "x")
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode == http.StatusTooManyRequests {
			return resp.Header.Get("Retry-After")
		}
		return ""
	}
	for i, want := range []string{"", "", "1", "1"} {
		if got := limited("C0SUPPORT"); got != want {
			t.Errorf("post %d: %q, want %q", i, got, want)
		}
	}
	if limited("C0OTHER") != "" {
		t.Error("another channel is held back")
	}
	now = now.Add(time.Second)
	if limited("C0SUPPORT") != "" || limited("C0SUPPORT") != "1" {
		t.Error("a second later one post is free")
	}
}

func TestCallsPerMinute(t *testing.T) {
	now := time.Unix(1_700_000_030, 0)
	d := newDesk(t, Config{PerMinute: map[string]int{"users.info": 1}, Clock: func() time.Time { return now }})
	d.ok("users.info", "user", "U0AYA")
	resp, _, err := d.try(t.Context(), "users.info", "user", "U0AYA")
	if err != nil || resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") != "10" {
		t.Fatal(resp, err)
	}
	now = now.Add(10 * time.Second)
	d.ok("users.info", "user", "U0AYA")
}
