package dialog

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"golang.org/x/sync/errgroup"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/dialog/view"
	"github.com/slacktalk/slacktalk/services/slack-gateway/element"
)

const (
	// pickedWithin is how long a submission waits to hear who was picked. Who is not known by then is taken: diagnostics tell of them.
	pickedWithin = 700 * time.Millisecond
	// lookedUpAtOnce are asked about.
	lookedUpAtOnce = 8
)

// strangers notes at each input of the team settings that somebody was picked there who is no full member of the workspace: Slack's menu of people offers everybody and
// cannot be told not to. Those who stood there before stay, so that they keep nobody from changing something else.
func (d *Dialogs) strangers(ctx context.Context, r Request, now, wanted *settingsv1.TeamSettings, problems map[string]view.Saying) {
	inputs := map[string][2][]string{
		element.MentionTargets:    {now.GetMentionTargets(), wanted.GetMentionTargets()},
		element.EscalationTargets: {now.GetUnanswered().GetEscalationTargets(), wanted.GetUnanswered().GetEscalationTargets()},
		element.Admins:            {now.GetAdmins(), wanted.GetAdmins()},
	}
	ctx, cancel := context.WithTimeout(ctx, pickedWithin)
	defer cancel()
	var looking errgroup.Group
	looking.SetLimit(lookedUpAtOnce)
	var mu sync.Mutex
	for input, picked := range inputs {
		for _, id := range picked[1] {
			if strings.HasPrefix(id, "S") || slices.Contains(picked[0], id) {
				continue
			}
			looking.Go(func() error {
				user, err := d.Slack(r.Team).User(ctx, id)
				if err == nil && !fullMember(user, r.Team) {
					mu.Lock()
					problems[input] = view.NoFullMember
					mu.Unlock()
				}
				return nil
			})
		}
	}
	_ = looking.Wait() // none fails
}

// fullMember reports whether somebody can be told of customers and may answer them. Of somebody who is in several workspaces of an organisation Slack names one as theirs.
func fullMember(user *slack.User, team string) bool {
	if user == nil || user.Deleted || user.IsBot || user.IsStranger || user.IsRestricted || user.IsUltraRestricted {
		return false
	}
	return user.TeamID == "" || user.TeamID == team || slices.Contains(user.Enterprise.Teams, team)
}
