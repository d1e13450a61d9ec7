package chaos

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// programs are the packages whose binaries take part, all pinned by this module.
var programs = []string{
	"github.com/slacktalk/slacktalk/services/ingest-karte",
	"github.com/slacktalk/slacktalk/services/router",
	"github.com/slacktalk/slacktalk/services/slack-gateway",
	"github.com/slacktalk/slacktalk/dev/cmd/standins",
	"github.com/nats-io/nats-server/v2",
}

// build builds the programs into dir. It works from anywhere inside the dev module.
func build(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("make the folder for programs: %w", err)
	}
	args := append([]string{"build", "-buildvcs=false", "-o", dir + string(filepath.Separator)}, programs...)
	command := exec.CommandContext(ctx, "go", args...)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build the programs: %w\n%s", err, out)
	}
	return nil
}
