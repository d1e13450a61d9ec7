// Command slack-gateway is everything said to and heard from Slack. See README.md.
package main

import (
	"context"
	"os"

	"github.com/slacktalk/slacktalk/internal/config"
	"github.com/slacktalk/slacktalk/internal/daemon"
	"github.com/slacktalk/slacktalk/services/slack-gateway/app"
)

func main() {
	daemon.Main("slack-gateway", func(ctx context.Context) error {
		var settings app.Settings
		if err := config.Load(&settings, os.Environ()); err != nil {
			return err
		}
		a, err := app.New(settings, settings.Logger("slack-gateway", os.Stdout))
		if err != nil {
			return err
		}
		return a.Run(ctx)
	})
}
