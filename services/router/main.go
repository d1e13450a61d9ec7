// Command router decides: which channel, thread and operator. See README.md.
package main

import (
	"context"
	"os"

	"github.com/slacktalk/slacktalk/internal/config"
	"github.com/slacktalk/slacktalk/internal/daemon"
	"github.com/slacktalk/slacktalk/services/router/app"
)

func main() {
	daemon.Main("router", func(ctx context.Context) error {
		var settings app.Settings
		if err := config.Load(&settings, os.Environ()); err != nil {
			return err
		}
		a, err := app.New(settings, settings.Logger("router", os.Stdout))
		if err != nil {
			return err
		}
		return a.Run(ctx)
	})
}
