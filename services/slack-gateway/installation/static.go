package installation

import (
	"context"
	"log/slog"
	"time"

	"github.com/slacktalk/slacktalk/internal/retry"
	"github.com/slacktalk/slacktalk/services/slack-gateway/inbound"
	"github.com/slacktalk/slacktalk/services/slack-gateway/slackapi"
)

// Learn asks Slack whose token client has until it answers, and makes that workspace known; false when ctx ended first.
func (r *Registry) Learn(ctx context.Context, client *slackapi.Client, log *slog.Logger) bool {
	for n := uint64(1); ; n++ {
		self, err := client.Self(ctx)
		if err == nil {
			r.Set(self.TeamID, Workspace{Client: client, Self: inbound.Self{BotUser: self.UserID, BotID: self.BotID, Team: self.TeamID}})
			log.Info("connected to slack", "team", self.TeamID, "bot", self.UserID)
			return true
		}
		wait := retry.Wait(n, err)
		log.Warn("slack does not say who we are", "err", err, "wait", wait)
		select {
		case <-ctx.Done():
			return false
		case <-time.After(wait):
		}
	}
}
