package diagnose

import (
	"context"
	"fmt"
	"strings"
	"time"

	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
)

// check is one thing that is looked at.
type check struct {
	// id never changes; scripts know it.
	id, title string
	look      func(ctx context.Context, x *scene) outcome
	// limit is checkLimit when zero.
	limit time.Duration
}

// outcome is what came out of a check.
type outcome struct {
	verdict    adminv1.Verdict
	found, fix string
}

func ok(format string, args ...any) outcome {
	return outcome{verdict: adminv1.Verdict_VERDICT_OK, found: fmt.Sprintf(format, args...)}
}

func warning(found, fix string) outcome {
	return outcome{adminv1.Verdict_VERDICT_WARNING, found, fix}
}

func failure(found, fix string) outcome { return outcome{adminv1.Verdict_VERDICT_FAILED, found, fix} }

// waits is the outcome of a check that makes no sense before another one holds.
func waits(id string) outcome {
	return outcome{verdict: adminv1.Verdict_VERDICT_SKIPPED, found: "waits for " + id + " to be mended"}
}

// patience is how long a check that is over its limit gets to say so itself.
const patience = 200 * time.Millisecond

// make makes the check within its limit, whatever it does.
func (c check) make(ctx context.Context, x *scene) outcome {
	limit := c.limit
	if limit == 0 {
		limit = checkLimit
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the check took longer than %v", limit))
	defer cancel()
	done := make(chan outcome, 1)
	go func() { done <- c.look(ctx, x) }()
	select {
	case o := <-done:
		return o
	case <-ctx.Done():
	}
	select {
	case o := <-done:
		return o
	case <-time.After(patience):
		return failure(fmt.Sprintf("it hangs: %v", context.Cause(ctx)), "Look at the router's log, and run the examination again.")
	}
}

// problems gathers what is wrong with several things of a kind; the worst decides.
type problems struct {
	verdict      adminv1.Verdict
	found, fixes []string
	left         int
}

// most is how many problems are told one by one.
const most = 10

func (p *problems) add(o outcome) {
	if o.verdict == adminv1.Verdict_VERDICT_OK {
		return
	}
	if worse(o.verdict, p.verdict) {
		p.verdict = o.verdict
	}
	if len(p.found) == most {
		p.left++
		return
	}
	p.found, p.fixes = append(p.found, o.found), append(p.fixes, o.fix)
}

func worse(a, b adminv1.Verdict) bool {
	rank := map[adminv1.Verdict]int{
		adminv1.Verdict_VERDICT_SKIPPED: 1, adminv1.Verdict_VERDICT_WARNING: 2, adminv1.Verdict_VERDICT_FAILED: 3,
	}
	return rank[a] > rank[b]
}

// or answers the problems as one outcome, good where there are none.
func (p *problems) or(good outcome) outcome {
	if len(p.found) == 0 {
		return good
	}
	found := strings.Join(p.found, "; ")
	if p.left > 0 {
		found += fmt.Sprintf("; and %d more", p.left)
	}
	var fixes []string
	seen := map[string]bool{"": true}
	for _, fix := range p.fixes {
		if !seen[fix] {
			seen[fix] = true
			fixes = append(fixes, fix)
		}
	}
	return outcome{p.verdict, found, strings.Join(fixes, "\n")}
}

// counted says how many there are, in words that fit one as well.
func counted[N int | uint64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
