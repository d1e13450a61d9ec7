package command

import (
	"context"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slacktalk/slacktalk/services/router/cmd/talkctl/render"
)

// build is what the binary knows of itself.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func (a *app) version() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Show the version of talkctl", Args: cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: a.run(func(context.Context, []string) error {
			b := readBuild()
			if a.print.Format != render.Table {
				return a.print.Value(b)
			}
			return a.say("talkctl %s", strings.Join(strings.Fields(b.Version+" "+b.Revision+" "+b.Go+" "+b.Platform), " "))
		}),
	}
}

func readBuild() build {
	b := build{Version: "(devel)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Version != "" {
		b.Version = info.Main.Version
	}
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.revision":
			b.Revision = setting.Value[:min(12, len(setting.Value))] + b.Revision
		case setting.Key == "vcs.modified" && setting.Value == "true":
			b.Revision += "+changes"
		}
	}
	return b
}
