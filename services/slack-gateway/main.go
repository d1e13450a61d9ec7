// Command slack-gateway is everything said to and heard from Slack. See README.md.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/slacktalk/slacktalk/internal/config"
	"github.com/slacktalk/slacktalk/internal/daemon"
	"github.com/slacktalk/slacktalk/services/slack-gateway/app"
	"github.com/slacktalk/slacktalk/services/slack-gateway/manifest"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "manifest" {
		if err := manifest.Run(os.Args[2:], os.Stdout, os.Stderr); err != nil {
			fmt.Fprintln(os.Stderr, "slack-gateway:", err)
			os.Exit(2)
		}
		return
	}
	daemon.Main("slack-gateway", func(ctx context.Context) error {
		var settings app.Settings
		if err := config.Load(&settings, os.Environ()); err != nil {
			return err
		}
		log := settings.Logger("slack-gateway", os.Stdout)
		return daemon.WithSecrets(ctx, settings.AdminAddr, config.SecretsOf(&settings), log, func(ctx context.Context) error {
			a, err := app.New(settings, log) //nolint:contextcheck // to begin tracing makes no call
			if err != nil {
				return err
			}
			return a.Run(ctx)
		})
	})
}
