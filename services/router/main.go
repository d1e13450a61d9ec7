// Command router decides: which channel, thread and operator. See README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/slacktalk/slacktalk/internal/config"
	"github.com/slacktalk/slacktalk/internal/daemon"
	"github.com/slacktalk/slacktalk/services/router/api"
	"github.com/slacktalk/slacktalk/services/router/app"
)

func main() {
	if len(os.Args) > 1 {
		os.Exit(tool(os.Args[1:]))
	}
	daemon.Main("router", func(ctx context.Context) error {
		var settings app.Settings
		if err := config.Load(&settings, os.Environ()); err != nil {
			return err
		}
		log := settings.Logger("router", os.Stdout)
		app.LogRedis(log)
		return daemon.WithSecrets(ctx, settings.AdminAddr, config.SecretsOf(&settings), log, func(ctx context.Context) error {
			a, err := app.New(settings, log) //nolint:contextcheck // to begin tracing makes no call
			if err != nil {
				return err
			}
			return a.Run(ctx)
		})
	})
}

// tool carries out `router token new`, the only thing that router does besides serving, and answers the exit status.
func tool(args []string) int {
	if len(args) < 2 || args[0] != "token" || args[1] != "new" {
		fmt.Fprintln(os.Stderr, "usage: router                 serves; its settings are in the environment, see README.md\n"+
			"       router token new -name ci -role operator -project demo [-expires 2027-01-31]")
		return 2
	}
	if err := api.NewToken(args[2:], os.Stdout, time.Now()); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "router token new:", err)
		}
		return 2
	}
	return 0
}
