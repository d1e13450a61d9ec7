package diagnose

import (
	"context"
	"fmt"
	"strings"

	"github.com/slacktalk/slacktalk/internal/examination"
	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// Where things are set.
const (
	karteApp  = "KARTE's console: グローバルメニュー > ストア > API v2 設定 > the app"
	slackApp  = "https://api.slack.com/apps > the app"
	botToken  = slackApp + " > OAuth & Permissions > Bot User OAuth Token (xoxb-…)"
	secretOf  = slackApp + " > Basic Information > Signing Secret"
	hooksOf   = karteApp + " > hook設定"
	eventsOf  = slackApp + " > Event Subscriptions"
	restartKG = " and restart slack-gateway"
	restartIK = " and restart ingest-karte"
)

func lookKarteService(ctx context.Context, x *scene) outcome {
	if _, err := x.nats.get(ctx); err != nil {
		return waits(natsAnswers)
	}
	replicas, err := x.karte.get(ctx)
	if err != nil {
		return failure(fmt.Sprintf("no ingest-karte of project %s answers: %v", x.project, err),
			fmt.Sprintf("If %[1]s is the right project (talkctl --project), start ingest-karte with KARTE_PROJECT=%[1]s. If it runs, its /readyz says what is wrong; NATS_URL must lead to the NATS of the router.", x.project))
	}
	return ok("%d of ingest-karte answer: %s", len(replicas), names(replicas))
}

func lookSlackService(ctx context.Context, x *scene) outcome {
	if _, err := x.nats.get(ctx); err != nil {
		return waits(natsAnswers)
	}
	replicas, err := x.slack.get(ctx)
	if err != nil {
		return failure(fmt.Sprintf("no slack-gateway answers: %v", err),
			"Start slack-gateway. If it runs, its /readyz says what is wrong; NATS_URL must lead to the NATS of the router.")
	}
	return ok("%d of slack-gateway answer: %s", len(replicas), names(replicas))
}

func names(replicas []replica) string {
	var all []string
	for _, r := range replicas {
		all = append(all, r.name)
	}
	return strings.Join(all, ", ")
}

// each gathers what judge says of a check's findings, replica by replica; which replica it was is said when there are several.
func each(replicas []replica, about string, judge func(*eventv1.Finding) outcome) *problems {
	var all problems
	seen := map[string]bool{}
	for _, r := range replicas {
		for _, f := range r.findings {
			if f.GetCheck() != about {
				continue
			}
			o := judge(f)
			if seen[o.found] {
				continue // replicas with the same trouble say it once
			}
			seen[o.found] = true
			if len(replicas) > 1 && o.verdict != adminv1.Verdict_VERDICT_OK {
				o.found += " (" + r.name + ")"
			}
			all.add(o)
		}
	}
	return &all
}

func lookKarteToken(ctx context.Context, x *scene) outcome {
	replicas, err := x.karte.get(ctx)
	if err != nil {
		return waits(karteService)
	}
	return each(replicas, examination.KarteToken, karteTokenOutcome).or(ok("KARTE accepts the token"))
}

func karteTokenOutcome(f *eventv1.Finding) outcome {
	code := f.GetValues()[examination.ValueCode]
	switch {
	case f.GetState() == eventv1.FindingState_FINDING_STATE_OK:
		return ok("%s", f.GetDetail())
	case f.GetState() == eventv1.FindingState_FINDING_STATE_UNKNOWN:
		return warning(f.GetDetail(), "Run the examination again later; if it stays, ask KARTE's support.")
	case code == examination.CodeUnreachable:
		return failure("KARTE is not reached: "+f.GetDetail(),
			"Let ingest-karte reach KARTE: KARTE_API_URL must be https://api.karte.io, and firewalls and network policies must let it out.")
	case strings.HasPrefix(code, "3"):
		return failure(f.GetDetail(), "Set KARTE_API_URL=https://api.karte.io"+restartIK+".")
	}
	return failure(f.GetDetail(), "Set KARTE_API_TOKEN to the access token of the app ("+karteApp+")"+restartIK+".")
}

// passed answers nil when a check that others build on did not fail.
func passed(ctx context.Context, x *scene, look func(context.Context, *scene) outcome, id string) *outcome {
	o := look(ctx, x)
	if o.verdict == adminv1.Verdict_VERDICT_FAILED {
		o = waits(id)
	}
	if o.verdict == adminv1.Verdict_VERDICT_SKIPPED {
		return &o
	}
	return nil
}

func lookKarteScopes(ctx context.Context, x *scene) outcome {
	if o := passed(ctx, x, lookKarteToken, karteToken); o != nil {
		return *o
	}
	replicas, err := x.karte.get(ctx)
	if err != nil {
		return waits(karteService)
	}
	return each(replicas, examination.KarteScope, func(f *eventv1.Finding) outcome {
		scope, why := f.GetSubject(), f.GetValues()[examination.ValueFor]
		fix := fmt.Sprintf("Add the scope %s to the app (%s), then set KARTE_API_TOKEN to its access token if that has changed.", scope, karteApp)
		switch {
		case f.GetState() == eventv1.FindingState_FINDING_STATE_UNKNOWN:
			return warning("not known whether "+scope+" is granted: "+f.GetDetail(), "Run the examination again later.")
		case f.GetState() != eventv1.FindingState_FINDING_STATE_FAILED:
			return ok("")
		case f.GetValues()[examination.ValueOptional] != "":
			return warning(fmt.Sprintf("%s is missing, for %s (%s)", scope, why, f.GetDetail()), fix)
		}
		return failure(fmt.Sprintf("%s is missing, for %s (%s)", scope, why, f.GetDetail()), fix)
	}).or(ok("KARTE misses none"))
}

func lookSlackToken(ctx context.Context, x *scene) outcome {
	replicas, err := x.slack.get(ctx)
	if err != nil {
		return waits(slackService)
	}
	var good string
	return each(replicas, examination.SlackToken, func(f *eventv1.Finding) outcome {
		good = f.GetDetail()
		return slackTokenOutcome(f)
	}).or(ok("%s", good))
}

func slackTokenOutcome(f *eventv1.Finding) outcome {
	switch code := f.GetValues()[examination.ValueCode]; {
	case f.GetState() == eventv1.FindingState_FINDING_STATE_OK:
		return ok("%s", f.GetDetail())
	case code == examination.CodeUnreachable:
		return failure("Slack is not reached: "+f.GetDetail(),
			"Let slack-gateway reach Slack: SLACK_API_URL must be https://slack.com/api/, and firewalls and network policies must let it out.")
	case code == examination.CodeNotInstalled:
		return failure("the app is not installed in the workspace of the settings: "+f.GetDetail(),
			"Open https://<the address of slack-gateway>/slack/install and choose the workspace (docs/setup-slack.md); what waits goes on by itself. If the settings name the wrong one: talkctl settings set workspace=T… channel=C….")
	case code == "account_inactive" || code == "token_revoked" || code == "token_expired":
		return failure("the bot token is no longer valid: "+code, "Install the app into the workspace again ("+slackApp+" > Install App), set SLACK_BOT_TOKEN to the new token ("+botToken+")"+restartKG+".")
	default:
		return failure("Slack refuses the bot token: "+f.GetDetail(), "Set SLACK_BOT_TOKEN to the bot token of the app ("+botToken+")"+restartKG+".")
	}
}

func lookSlackScopes(ctx context.Context, x *scene) outcome {
	if o := passed(ctx, x, lookSlackToken, slackToken); o != nil {
		return *o
	}
	replicas, err := x.slack.get(ctx)
	if err != nil {
		return waits(slackService)
	}
	return each(replicas, examination.SlackScopes, func(f *eventv1.Finding) outcome {
		missing := strings.Trim(f.GetValues()[examination.ValueMissing]+","+f.GetValues()[examination.ValueOptional], ",")
		fix := fmt.Sprintf("Add %s under %s > OAuth & Permissions > Bot Token Scopes, and install the app again (%s > Install App).",
			strings.ReplaceAll(missing, ",", ", "), slackApp, slackApp)
		switch f.GetState() {
		case eventv1.FindingState_FINDING_STATE_FAILED:
			return failure(f.GetDetail(), fix)
		case eventv1.FindingState_FINDING_STATE_WARNING:
			return warning(f.GetDetail(), fix)
		case eventv1.FindingState_FINDING_STATE_UNKNOWN, eventv1.FindingState_FINDING_STATE_UNSPECIFIED:
			return warning(f.GetDetail(), "Compare the scopes under "+slackApp+" > OAuth & Permissions with those that the README of slack-gateway lists.")
		case eventv1.FindingState_FINDING_STATE_OK:
		}
		return ok("")
	}).or(ok("all are granted"))
}
