// Command ingest-karte is everything said to and heard from KARTE. See README.md.
package main

import (
	"context"
	"os"

	"github.com/slacktalk/slacktalk/internal/config"
	"github.com/slacktalk/slacktalk/internal/daemon"
	"github.com/slacktalk/slacktalk/services/ingest-karte/app"
)

// garbage, as in daemon.CollectAt: a hook costs a fifth less CPU than with Go's own 100, and the service some 10 MB more under load.
const garbage = 300

func main() {
	daemon.CollectAt(garbage)
	daemon.Main("ingest-karte", func(ctx context.Context) error {
		var settings app.Settings
		if err := config.Load(&settings, os.Environ()); err != nil {
			return err
		}
		log := settings.Logger("ingest-karte", os.Stdout)
		return daemon.WithSecrets(ctx, settings.AdminAddr, config.SecretsOf(&settings), log, func(ctx context.Context) error {
			a, err := app.New(settings, log) //nolint:contextcheck // to begin tracing makes no call
			if err != nil {
				return err
			}
			return a.Run(ctx)
		})
	})
}
