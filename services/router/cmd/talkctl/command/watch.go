package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/cmd/talkctl/render"
)

// again is how long to wait before a watch that ended is taken up again.
const again = time.Second

// renewed is how long a stream lasts at least that is only to be renewed: routers do that now and then, and nobody has to be told.
const renewed = 10 * time.Second

func (a *app) settingsWatch() *cobra.Command {
	var count int
	c := &cobra.Command{
		Use:   "watch",
		Short: "Show the settings, then every change, until Ctrl-C",
		Long: `Show the settings as they are, then every change, until Ctrl-C. A broken connection is taken up again where it was.
With --output json each line is one state of the settings.`,
		Args: cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: a.run(func(ctx context.Context, _ []string) error {
			parent, err := a.open()
			if err != nil {
				return err
			}
			w := &watch{app: a, name: parent + "/teamSettings", left: count}
			return w.run(ctx)
		}),
	}
	c.Flags().IntVar(&count, "count", 0, "end after so many states; 0 never ends")
	return c
}

// watch follows the settings over as many streams as it takes.
type watch struct {
	*app
	name string
	last *settingsv1.TeamSettings
	left int
}

var errEnough = errors.New("enough")

func (w *watch) run(ctx context.Context) error {
	for ctx.Err() == nil { // Ctrl-C is how a watch ends
		began := time.Now()
		err := w.follow(ctx)
		ended := errors.Is(err, errEnough) || ctx.Err() != nil
		if ended {
			return nil
		}
		if w.last == nil || (err != nil && codeOf(err) != codes.Unavailable) {
			return err
		}
		if err != nil && time.Since(began) < renewed {
			w.note("%v; trying again", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(again):
		}
	}
	return nil
}

// errLate is returned when the settings do not come in time.
var errLate = status.Error(codes.DeadlineExceeded, "no answer in time")

// follow shows what one stream tells. The first answer has to come in time, unless everything was seen already.
func (w *watch) follow(ctx context.Context) error {
	doing := "watch " + w.name
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if w.last == nil {
		patience := w.flags.timeout
		if patience == 0 {
			patience = defaultTimeout
		}
		late := time.AfterFunc(patience, func() { cancel(errLate) })
		defer late.Stop()
		err := w.receive(ctx, func() { late.Stop() })
		if errors.Is(context.Cause(ctx), errLate) {
			err = errLate
		}
		return failed(doing, err)
	}
	return failed(doing, w.receive(ctx, func() {}))
}

func failed(doing string, err error) error {
	if _, told := status.FromError(err); err == nil || !told {
		return err
	}
	return &callError{doing, err}
}

func (w *watch) receive(ctx context.Context, came func()) error {
	stream, err := w.client().WatchTeamSettings(ctx, &settingsv1.WatchTeamSettingsRequest{Name: w.name, Etag: w.last.GetEtag()})
	if err != nil {
		return err
	}
	for {
		answer, err := stream.Recv()
		if errors.Is(err, io.EOF) && w.last == nil {
			return errors.New("the stream ended before the settings came")
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		came()
		if err := w.show(answer.GetTeamSettings()); err != nil {
			return err
		}
	}
}

func (w *watch) show(team *settingsv1.TeamSettings) error {
	before := w.last
	w.last = team
	err := w.printState(before, team)
	if w.left--; err == nil && w.left == 0 {
		err = errEnough
	}
	return err
}

func (w *watch) printState(before, team *settingsv1.TeamSettings) error {
	if w.print.Format != render.Table {
		return w.print.Line(team)
	}
	if before == nil {
		return w.printFields(team)
	}
	if _, err := fmt.Fprintf(w.Out, "\n%s\n", w.print.Stamp(team.GetUpdateTime())); err != nil {
		return err
	}
	return w.printChanges(before, team)
}
