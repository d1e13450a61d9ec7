package diagnose

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/slacktalk/slacktalk/internal/examination"
	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
)

const (
	// quietDay is after how long without anything it is worth a look whether something still arrives.
	quietDay = 24 * time.Hour
	// lately is for how long what was refused is worth a word although good ones came after it.
	lately = time.Hour
)

// arrived is what became of the signed requests of all replicas together: which replica gets one is chance.
type arrived struct {
	good    time.Time
	refused map[examination.Reason]time.Time
	counts  map[examination.Reason]int
	// skew is how far the time of the last stale request was from ours.
	skew           string
	foreign        time.Time
	foreignProject string
}

func arrivedAt(replicas []replica, delivery, signatures string) arrived {
	a := arrived{refused: map[examination.Reason]time.Time{}, counts: map[examination.Reason]int{}}
	for _, r := range replicas {
		d, s := r.finding(delivery).GetValues(), r.finding(signatures).GetValues()
		a.good = latest(a.good, at(d[examination.ValueGood]))
		if foreign := at(d[examination.ValueForeign]); foreign.After(a.foreign) {
			a.foreign, a.foreignProject = foreign, d[examination.ValueForeignProject]
		}
		for _, reason := range []examination.Reason{examination.Missing, examination.Malformed, examination.Mismatch, examination.Stale, examination.Replayed} {
			n, _ := strconv.Atoi(s[examination.ValueCount(reason)]) // absent is none
			a.counts[reason] += n
			last := at(s[examination.ValueLast(reason)])
			if reason == examination.Stale && last.After(a.refused[reason]) {
				a.skew = s[examination.ValueSkew]
			}
			a.refused[reason] = latest(a.refused[reason], last)
		}
	}
	return a
}

func at(stamp string) time.Time {
	t, _ := time.Parse(time.RFC3339Nano, stamp) // absent is never
	return t
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// stands reports whether refusals for a reason are still going on: nothing good came after the last one.
func (a arrived) stands(r examination.Reason, now time.Time) bool {
	return a.refused[r].After(a.good) && now.Sub(a.refused[r]) < quietDay
}

// peer is where signed requests come from, in the words of the fixes.
type peer struct {
	name, what, secret, secretAt, service, header string
}

var (
	karteSide = peer{"KARTE", "hooks", "KARTE_CLIENT_SECRET", karteApp + " > Client Secret", "ingest-karte", "X-Karte-Signature"}
	slackSide = peer{"Slack", "events", "SLACK_SIGNING_SECRET", secretOf, "slack-gateway", "X-Slack-Signature"}
)

// signed judges what was refused.
func signed(a arrived, p peer, now time.Time) outcome {
	switch {
	case a.stands(examination.Mismatch, now):
		return failure(fmt.Sprintf("%s are refused, the last good one came %s: signed with another secret (%d, the last at %s)", p.what, since(a.good), a.counts[examination.Mismatch], clock(a.refused[examination.Mismatch])),
			fmt.Sprintf("Set %s to the one of this app (%s) and restart %s. While it is being changed, the former one goes into %s_BEFORE. If it is right, somebody who is not %s calls this address.",
				p.secret, p.secretAt, p.service, p.secret, p.name))
	case a.stands(examination.Stale, now):
		return failure(fmt.Sprintf("%s are refused, the last good one came %s: their time was %s from ours (%d, the last at %s)", p.what, since(a.good), a.skew, a.counts[examination.Stale], clock(a.refused[examination.Stale])),
			fmt.Sprintf("Set the clock of the hosts of %s by NTP; something between %s and %s may also hold requests back for minutes.", p.service, p.name, p.service))
	case a.stands(examination.Malformed, now):
		return failure(fmt.Sprintf("%s are refused, the last good one came %s: the signature cannot be read (%d, the last at %s)", p.what, since(a.good), a.counts[examination.Malformed], clock(a.refused[examination.Malformed])),
			"See whether a proxy in front of "+p.service+" changes or repeats the header "+p.header+".")
	}
	if reason, last := a.lastRefused(now); reason != "" {
		return warning(fmt.Sprintf("%d %s were refused (%s), the last at %s; the last good one came %s", a.counts[reason], p.what, words[reason], clock(last), since(a.good)),
			fmt.Sprintf("If the secret was another one for a while, nothing is to be done. Else somebody who is not %s may be calling this address; let only %s through to %s where that is possible.", p.name, p.name, p.service))
	}
	if a.good.IsZero() {
		return ok("nothing was refused; nothing signed arrived either since the replicas started")
	}
	return ok("the last good one came at %s", clock(a.good))
}

// words say why requests were refused that need not be anybody's mistake.
var words = map[examination.Reason]string{
	examination.Mismatch: "signed with another secret", examination.Stale: "too far from our time", examination.Missing: "not signed", examination.Malformed: "unreadable",
}

// lastRefused answers what was refused last, within the last while; nothing when nothing was.
func (a arrived) lastRefused(now time.Time) (reason examination.Reason, last time.Time) {
	for r := range words {
		if t := a.refused[r]; t.After(last) && now.Sub(t) < lately {
			reason, last = r, t
		}
	}
	return reason, last
}

func clock(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// since answers from when on things were not good.
func since(good time.Time) string {
	if good.IsZero() {
		return "before the replicas started, if ever"
	}
	return "at " + clock(good)
}

func (x *scene) fromKarte(ctx context.Context) (arrived, *outcome) {
	replicas, err := x.karte.get(ctx)
	if err != nil {
		o := waits(karteService)
		return arrived{}, &o
	}
	return arrivedAt(replicas, examination.KarteHooks, examination.KarteHookSignature), nil
}

func lookHookSecret(ctx context.Context, x *scene) outcome {
	a, no := x.fromKarte(ctx)
	if no != nil {
		return *no
	}
	return signed(a, karteSide, x.Now())
}

func lookProject(ctx context.Context, x *scene) outcome {
	a, no := x.fromKarte(ctx)
	switch {
	case no != nil:
		return *no
	case a.foreign.After(a.good):
		return failure(fmt.Sprintf("hooks arrive, signed as they should be, but of project %s (the last at %s)", a.foreignProject, clock(a.foreign)),
			fmt.Sprintf("If %s is the project: set KARTE_PROJECT=%s, restart ingest-karte, and set the project up under that name (talkctl --project %s …). If not: let the hook of %s call its own ingest-karte (%s).",
				a.foreignProject, a.foreignProject, a.foreignProject, a.foreignProject, hooksOf))
	case !a.foreign.IsZero():
		return warning(fmt.Sprintf("hooks of project %s arrive too (the last at %s) and are refused", a.foreignProject, clock(a.foreign)), "Let the hook of that project call its own ingest-karte ("+hooksOf+").")
	}
	return ok("none is of another")
}

func lookHooks(ctx context.Context, x *scene) outcome {
	a, no := x.fromKarte(ctx)
	if no != nil {
		return *no
	}
	if signed(a, karteSide, x.Now()).verdict == adminv1.Verdict_VERDICT_FAILED {
		return waits(karteHookSecret)
	}
	if a.foreign.After(a.good) {
		return waits(karteProject)
	}
	stored, _ := x.lastHook.get(ctx) // where NATS does not say, what the replicas remember has to do
	return lastOne("hook", latest(a.good, stored), x.Now(), "In "+hooksOf+", choose Webhook with the address https://…/hooks/karte of ingest-karte and the triggers of KARTE Talk (messages from users, from operators, assignment); then write something in the web chat.")
}

func (x *scene) fromSlack(ctx context.Context) (arrived, *outcome) {
	replicas, err := x.slack.get(ctx)
	if err != nil {
		o := waits(slackService)
		return arrived{}, &o
	}
	return arrivedAt(replicas, examination.SlackEvents, examination.SlackSignature), nil
}

func lookSigningSecret(ctx context.Context, x *scene) outcome {
	a, no := x.fromSlack(ctx)
	if no != nil {
		return *no
	}
	return signed(a, slackSide, x.Now())
}

func lookEvents(ctx context.Context, x *scene) outcome {
	if o := passed(ctx, x, lookSlackToken, slackToken); o != nil {
		return *o
	}
	a, no := x.fromSlack(ctx)
	if no != nil {
		return *no
	}
	if signed(a, slackSide, x.Now()).verdict == adminv1.Verdict_VERDICT_FAILED {
		return waits(slackSecret)
	}
	stored, _ := x.lastEvent.get(ctx) // as above
	return lastOne("event", latest(a.good, stored), x.Now(), "In "+eventsOf+", enable events, set the Request URL to https://…/slack/events of slack-gateway, and subscribe the bot to message.channels and message.groups; then write something in the linked channel.")
}

func lastOne(what string, last, now time.Time, fix string) outcome {
	switch {
	case last.IsZero():
		return warning("no "+what+" is known to have arrived", fix)
	case now.Sub(last) > quietDay:
		return warning(fmt.Sprintf("the last %s came at %s", what, clock(last)), "If there should have been more since: "+fix)
	}
	return ok("the last %s came at %s", what, clock(last))
}
