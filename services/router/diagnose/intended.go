package diagnose

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

func lookSettings(ctx context.Context, x *scene) outcome {
	team, err := x.team.get(ctx)
	switch {
	case errors.Is(err, settings.ErrCorrupt):
		return failure("what Redis holds is not readable", "Restore Redis from a backup, or set the project up again: talkctl import FILE")
	case err != nil:
		return waits(redisAnswers)
	case team.GetUpdateTime() == nil:
		return failure("project "+x.project+" has no settings: what arrives waits until it has",
			"talkctl settings set workspace=T… channel=C… notifications_enabled=true thread_replies_enabled=true (or talkctl import FILE after Redis lost its data)")
	case team.GetWorkspace() == "" || team.GetChannel() == "":
		return failure("no channel is linked", "talkctl settings set workspace=T… channel=C…")
	}
	return ok("channel %s of workspace %s, changed at %s", team.GetChannel(), team.GetWorkspace(), team.GetUpdateTime().AsTime().Format(time.RFC3339))
}

// set answers the settings, or why a check of them makes no sense.
func (x *scene) set(ctx context.Context) (*settingsv1.TeamSettings, *outcome) {
	team, err := x.team.get(ctx)
	if err == nil && team.GetUpdateTime() != nil {
		return team, nil
	}
	o := waits(settingsThere)
	if err != nil && !errors.Is(err, settings.ErrCorrupt) {
		o = waits(redisAnswers)
	}
	return nil, &o
}

func lookNotifications(ctx context.Context, x *scene) outcome {
	team, no := x.set(ctx)
	if no != nil {
		return *no
	}
	if !team.GetNotificationsEnabled() {
		return failure("nothing that customers write is posted to Slack", "talkctl settings set notifications_enabled=true")
	}
	return ok("what customers write is posted, in %s", language(team))
}

func language(team *settingsv1.TeamSettings) string {
	if team.GetLanguage() == "en" {
		return "English"
	}
	return "Japanese"
}

func lookReplies(ctx context.Context, x *scene) outcome {
	team, no := x.set(ctx)
	switch {
	case no != nil:
		return *no
	case !team.GetThreadRepliesEnabled():
		return warning("replies in threads reach neither customers nor KARTE's notes", "talkctl settings set thread_replies_enabled=true")
	case slices.Contains(team.GetNoteOnlyChannels(), team.GetChannel()):
		return warning("nothing is sent to customers from the linked channel: every reply there is a note",
			"If that is not meant: talkctl settings set note_only_channels=… without "+team.GetChannel())
	}
	return ok("a reply that is one code block is sent, others are kept as notes")
}

func lookMentions(ctx context.Context, x *scene) outcome {
	team, no := x.set(ctx)
	if no != nil {
		return *no
	}
	switch policy := team.GetMentionPolicy(); policy {
	case settingsv1.MentionPolicy_MENTION_POLICY_TARGETS:
		if len(team.GetMentionTargets()) == 0 {
			return warning("the mention policy is targets, and there are none: nobody is mentioned where the assignee is not linked",
				"talkctl settings set mention_targets=U…,S… (or mention_policy=here)")
		}
		return ok("the assignee, else %s", strings.Join(team.GetMentionTargets(), ", "))
	case settingsv1.MentionPolicy_MENTION_POLICY_HERE, settingsv1.MentionPolicy_MENTION_POLICY_CHANNEL:
		return ok("the assignee, else %s", strings.ToLower(strings.TrimPrefix(policy.String(), "MENTION_POLICY_")))
	case settingsv1.MentionPolicy_MENTION_POLICY_UNSPECIFIED, settingsv1.MentionPolicy_MENTION_POLICY_NOBODY:
	}
	return ok("the assignee only")
}

func lookAdmins(ctx context.Context, x *scene) outcome {
	team, no := x.set(ctx)
	if no != nil {
		return *no
	}
	if len(team.GetAdmins()) == 0 {
		return warning("nobody is told when a channel or KARTE's token stops working", "talkctl settings set admins=U… (Slack: the person's profile > ⋮ > Copy member ID)")
	}
	return ok("%s", strings.Join(team.GetAdmins(), ", "))
}

func lookRouting(ctx context.Context, x *scene) outcome {
	team, no := x.set(ctx)
	if no != nil {
		return *no
	}
	known := map[string]bool{}
	for _, group := range team.GetOperatorGroups() {
		known[group.GetName()] = true
	}
	const fix = "talkctl settings get -o yaml >team.yaml, change routing_rules in it, talkctl settings set --file team.yaml"
	var all problems
	caught := 0
	for i, rule := range team.GetRoutingRules() {
		called := fmt.Sprintf("rule %d (%s)", i+1, rule.GetDisplayName())
		if caught > 0 {
			all.add(warning(fmt.Sprintf("%s is never reached: rule %d matches everything", called, caught), fix))
		}
		for _, group := range rule.GetAssigneeGroups() {
			if !known[group] {
				all.add(warning(called+" names the operator group "+group+", which there is not", fix))
			}
		}
		if hours := rule.GetBusinessHours(); hours != nil {
			if _, err := time.LoadLocation(hours.GetTimeZone()); err != nil {
				all.add(warning(called+" names a time zone that is not known: "+hours.GetTimeZone(), fix))
			}
		}
		if caught == 0 && matchesAll(rule) {
			caught = i + 1
		}
	}
	return all.or(ok("%s, then %s", counted(len(team.GetRoutingRules()), "rule", "rules"), team.GetChannel()))
}

func matchesAll(rule *settingsv1.RoutingRule) bool {
	return rule.GetPageHost() == "" && rule.GetPagePathPrefix() == "" && len(rule.GetAssignees())+len(rule.GetAssigneeGroups()) == 0 && rule.GetBusinessHours() == nil
}

func lookLinks(ctx context.Context, x *scene) outcome {
	links, err := x.links.get(ctx)
	if err != nil {
		return waits(redisAnswers)
	}
	const fix = "talkctl operators list shows who is linked; talkctl operators link OPERATOR U… links one (Slack: the person's profile > ⋮ > Copy member ID)"
	if len(links) == 0 {
		return warning("no operator is linked: nobody can reply, and no assignee is mentioned", fix)
	}
	operators, err := x.operators.get(ctx)
	if err != nil {
		return ok("%d are linked; KARTE's operators are not known", len(links))
	}
	linked, known := map[string]bool{}, map[string]bool{}
	for _, link := range links {
		linked[link.GetName()[strings.LastIndex(link.GetName(), "/")+1:]] = true
	}
	missing := ids(operators, func(o *eventv1.Operator) bool { known[o.GetId()] = true; return !o.GetBot() && !linked[o.GetId()] })
	var gone []string
	for id := range linked {
		if !known[id] {
			gone = append(gone, id)
		}
	}
	slices.Sort(gone)
	var all problems
	if len(gone) > 0 && len(operators) > 0 {
		all.add(warning("linked, but not an operator that KARTE knows: "+some(gone), "talkctl operators unlink OPERATOR"))
	}
	if len(missing) > 0 {
		all.add(warning(fmt.Sprintf("%s not linked: %s", counted(len(missing), "of KARTE's operators is", "of KARTE's operators are"), some(missing)), fix))
	}
	return all.or(ok("all %d", len(links)))
}

func ids(operators []*eventv1.Operator, wanted func(*eventv1.Operator) bool) []string {
	var all []string
	for _, o := range operators {
		if wanted(o) {
			all = append(all, o.GetId())
		}
	}
	return all
}

// some answers the first of a list.
func some(all []string) string {
	if len(all) > most {
		return strings.Join(all[:most], ", ") + fmt.Sprintf(" and %d more", len(all)-most)
	}
	return strings.Join(all, ", ")
}
