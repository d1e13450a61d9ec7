package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"

	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	"github.com/slacktalk/slacktalk/services/router/cmd/talkctl/render"
)

// doctorTimeout is longer than all checks together may take.
const doctorTimeout = 3 * time.Minute

func (a *app) doctor() *cobra.Command {
	var sendTest, strict bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Check everything, in the order in which a person would look",
		Long: `Check everything, in the order in which a person would look, and say what is wrong with the exact fix.

  ✓ it works   ! it works, but look at it   ✗ it does not work   – not checked because of an earlier failure

The exit status is 1 when a check failed, with --strict also when one warned; 3 or 4 when the router cannot be asked.`,
		Args: cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: a.run(func(ctx context.Context, _ []string) error {
			parent, err := a.open()
			if err != nil {
				return err
			}
			e := &examination{app: a, strict: strict}
			return e.run(ctx, &adminv1.RunDiagnosticsRequest{Parent: parent, SendTest: sendTest})
		}),
	}
	c.Flags().BoolVar(&sendTest, "send-test", false, "also send a marked message of a made-up customer through the real path, into the linked channel")
	c.Flags().BoolVar(&strict, "strict", false, "a warning is a failure")
	return c
}

// examination is one run of the doctor.
type examination struct {
	*app
	strict  bool
	results []*adminv1.CheckResult
	counts  map[adminv1.Verdict]int
	// begun and total say how far it is; pending says that a line of progress is on the terminal.
	begun   int
	total   int32
	pending bool
}

func (e *examination) run(ctx context.Context, request *adminv1.RunDiagnosticsRequest) error {
	e.counts = map[adminv1.Verdict]int{}
	ended := e.examine(ctx, request)
	e.clear()
	if ended != nil && ctx.Err() != nil {
		return ended
	}
	ended, err := e.notAsked(ended)
	if err := errors.Join(err, e.summary()); err != nil {
		return err
	}
	if ended != nil {
		return ended
	}
	if e.counts[adminv1.Verdict_VERDICT_FAILED] > 0 || (e.strict && e.counts[adminv1.Verdict_VERDICT_WARNING] > 0) {
		return errSaid
	}
	return nil
}

func (e *examination) examine(ctx context.Context, request *adminv1.RunDiagnosticsRequest) error {
	ctx, cancel := e.deadline(ctx, doctorTimeout)
	defer cancel()
	doing := "run the checks of " + request.GetParent()
	stream, err := adminv1.NewDiagnosticsServiceClient(e.conn).RunDiagnostics(ctx, request)
	if err != nil {
		return &callError{doing, err}
	}
	for {
		answer, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			if len(e.results) == 0 {
				return errors.New(doing + ": the router made none")
			}
			return nil
		}
		if err != nil {
			return &callError{doing, err}
		}
		if err := e.take(answer); err != nil {
			return err
		}
	}
}

func (e *examination) take(answer *adminv1.RunDiagnosticsResponse) error {
	if started := answer.GetStarted(); started != nil {
		e.begun++
		e.total = started.GetTotal()
		e.progress(started.GetTitle())
	}
	if result := answer.GetResult(); result != nil {
		e.clear()
		return e.add(result)
	}
	return nil
}

// progress shows on a terminal what is being looked at; the result takes its place.
func (e *examination) progress(title string) {
	if !e.ErrTerminal {
		return
	}
	e.clear()
	fmt.Fprintf(e.Err, "… %s (%d of %d)", render.Clean(title, ""), e.begun, e.total)
	e.pending = true
}

// clear takes the line of progress away.
func (e *examination) clear() {
	if e.pending {
		fmt.Fprint(e.Err, "\r\x1b[K")
		e.pending = false
	}
}

func (e *examination) add(result *adminv1.CheckResult) error {
	e.results = append(e.results, result)
	e.counts[result.GetVerdict()]++
	if e.print.Format != render.Table {
		return nil
	}
	text := e.sign(result.GetVerdict()) + " " + render.Clean(result.GetTitle(), "")
	if result.GetFound() != "" {
		text += ": " + render.Clean(result.GetFound(), "")
	}
	if fix := strings.TrimSpace(result.GetFix()); fix != "" {
		text += "\n  fix: " + strings.ReplaceAll(render.Clean(fix, "\n"), "\n", "\n       ")
	}
	_, err := fmt.Fprintln(e.Out, text)
	return err
}

func (e *examination) sign(v adminv1.Verdict) string {
	switch v {
	case adminv1.Verdict_VERDICT_OK:
		return e.print.Paint(render.Green, "✓")
	case adminv1.Verdict_VERDICT_WARNING:
		return e.print.Paint(render.Yellow, "!")
	case adminv1.Verdict_VERDICT_FAILED:
		return e.print.Paint(render.Red, "✗")
	case adminv1.Verdict_VERDICT_SKIPPED:
		return e.print.Paint(render.Grey, "–")
	case adminv1.Verdict_VERDICT_UNSPECIFIED:
	}
	return "?"
}

// notAsked makes a result of a router that could not be asked at all, so that the doctor always says what is wrong and how to mend it.
// It answers the error for the exit status, as one that has been told.
func (e *examination) notAsked(ended error) (said, err error) {
	var unasked *callError
	if !errors.As(ended, &unasked) || len(e.results) > 0 {
		return ended, nil
	}
	switch unasked.status().Code() {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Unauthenticated, codes.PermissionDenied:
		return &saidError{ended}, e.add(&adminv1.CheckResult{
			Check: "router", Title: "The router's API", Verdict: adminv1.Verdict_VERDICT_FAILED,
			Found: "cannot be asked at " + e.where() + ": " + told(unasked.status()), Fix: e.hint(ended),
		})
	}
	return ended, nil
}

func (e *examination) summary() error {
	if e.print.Format != render.Table {
		return printList(e.app, e.results, false, "")
	}
	if len(e.results) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(e.Out, "\n%s: %d ok, %s, %d failed, %d not checked\n", count(len(e.results), "check", "checks"),
		e.counts[adminv1.Verdict_VERDICT_OK], count(e.counts[adminv1.Verdict_VERDICT_WARNING], "warning", "warnings"),
		e.counts[adminv1.Verdict_VERDICT_FAILED], e.counts[adminv1.Verdict_VERDICT_SKIPPED])
	return err
}
