package command

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/slacktalk/slacktalk/services/router/cmd/talkctl/topology"
)

// topologyTime is for how long the servers are waited for, and a stream is written away or read back.
const topologyTime = 10 * time.Minute

func (a *app) topology() *cobra.Command {
	diff := a.onNATS("diff", "Show in what NATS is not as it should be; status 1 if apply would do something", cobra.NoArgs, func(ctx context.Context, c *topology.Client, _ []string) error {
		same, err := c.Diff(ctx)
		if err == nil && !same {
			return errSaid
		}
		return err
	})
	apply := a.onNATS("apply", "Create what is missing and change what loses nothing by it", cobra.NoArgs, func(ctx context.Context, c *topology.Client, _ []string) error {
		return c.Apply(ctx)
	})
	apply.Long = "Create what is missing and change what loses nothing by it. Nothing is deleted or made to hold less. It may be run at any time, also by several at once."
	save := a.onNATS("save FOLDER", "Write every stream, with its consumers, into a new folder", cobra.ExactArgs(1), func(ctx context.Context, c *topology.Client, args []string) error {
		return c.Save(ctx, args[0])
	})
	save.Long = "Write every stream, with its consumers and how far they are, into a new folder: a folder per stream, which `nats stream restore` reads as well."
	restore := a.onNATS("restore FOLDER", "Make every stream again as it was saved; none of them may be there", cobra.ExactArgs(1), func(ctx context.Context, c *topology.Client, args []string) error {
		return c.Restore(ctx, args[0])
	})
	c := group("topology", "Streams, buckets and consumers at NATS: create, migrate, save, restore", diff, apply, save, restore)
	c.Long = `Streams, buckets and consumers at NATS. These commands speak to NATS itself, not to the router: the services' own
variables NATS_URL (or NATS_URL_FILE), NATS_CREDS, NATS_CA, STREAM_REPLICAS and PARTITIONS say where it is and what should be there.`
	return c
}

// onNATS is a command that works at NATS, as soon as there is a connection.
func (a *app) onNATS(use, short string, args cobra.PositionalArgs, do func(ctx context.Context, c *topology.Client, args []string) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: args, RunE: a.run(func(ctx context.Context, args []string) error {
		ctx, cancel := a.deadline(ctx, topologyTime)
		defer cancel()
		c, err := topology.Connect(ctx, a.Getenv, a.Out, a.Err)
		if err == nil {
			defer c.Close()
			err = do(ctx, c, args)
		}
		var mistake *topology.MistakeError
		if errors.As(err, &mistake) {
			return usage(err)
		}
		return err
	})}
}
