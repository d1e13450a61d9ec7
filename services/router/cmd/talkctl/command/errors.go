package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/slacktalk/slacktalk/services/router/cmd/talkctl/render"
	"github.com/slacktalk/slacktalk/services/router/cmd/talkctl/target"
)

// Exit statuses. They are documented in the help of talkctl and in the router's README.
const (
	statusOK          = 0
	statusFailed      = 1
	statusUsage       = 2
	statusUnreachable = 3
	statusNotAllowed  = 4
	statusNotFound    = 5
	statusConflict    = 6
	statusInterrupted = 130
)

// callError is a call that failed.
type callError struct {
	doing string
	err   error
}

func (e *callError) Error() string { return e.doing + ": " + told(e.status()) }
func (e *callError) Unwrap() error { return e.err }

func (e *callError) status() *status.Status { return status.Convert(e.err) }

// codeOf answers the code of a call that failed.
func codeOf(err error) codes.Code {
	var failed *callError
	if errors.As(err, &failed) {
		return failed.status().Code()
	}
	return codes.Unknown
}

// usageError is a mistake on the command line, in a file or in a value. Nothing was changed.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// usage marks a mistake of the caller.
func usage(err error) error {
	var marked *usageError
	if err == nil || errors.As(err, &marked) {
		return err
	}
	return &usageError{err}
}

// errSaid is returned when what went wrong has been printed already.
var errSaid = errors.New("failed")

// report tells an error in one line, with a second one for what to do about it, and answers the exit status.
func (a *app) report(ctx context.Context, err error) int {
	if errors.Is(err, errSaid) {
		return statusOf(err)
	}
	if ctx.Err() != nil {
		fmt.Fprintln(a.Err, "talkctl: interrupted")
		return statusInterrupted
	}
	fmt.Fprintln(a.Err, "talkctl: "+render.Clean(err.Error(), ""))
	if hint := a.hint(err); hint != "" {
		fmt.Fprintln(a.Err, "  hint: "+render.Clean(hint, ""))
	}
	return statusOf(err)
}

func statusOf(err error) int {
	var wrong *usageError
	var failed *callError
	if errors.As(err, &wrong) {
		return statusUsage
	}
	if !errors.As(err, &failed) {
		return statusFailed
	}
	switch failed.status().Code() {
	case codes.InvalidArgument, codes.OutOfRange:
		return statusUsage
	case codes.Unavailable, codes.DeadlineExceeded:
		return statusUnreachable
	case codes.Unauthenticated, codes.PermissionDenied:
		return statusNotAllowed
	case codes.NotFound:
		return statusNotFound
	case codes.Aborted, codes.AlreadyExists, codes.FailedPrecondition:
		return statusConflict
	}
	return statusFailed
}

// told answers what a server said: its message, every wrong field, its code.
func told(s *status.Status) string {
	message := s.Message()
	var fields []string
	for _, detail := range s.Details() {
		bad, ok := detail.(*errdetails.BadRequest)
		if !ok {
			continue
		}
		for i, v := range bad.GetFieldViolations() {
			field := v.GetField() + ": " + v.GetDescription()
			fields = append(fields, field)
			if i == 0 { // the router also says the first one in its message
				message = strings.TrimSuffix(message, ": "+field)
			}
		}
	}
	if len(fields) > 0 {
		message += ": " + strings.Join(fields, "; ")
	}
	return fmt.Sprintf("%s (%s)", message, codeName(s.Code()))
}

// codeName answers a code as the protocol writes it, like NOT_FOUND.
func codeName(c codes.Code) string { return code.Code(c).String() } //nolint:gosec // the codes are few

// fromRouter says that the router itself answered, and not something on the way to it.
func fromRouter(s *status.Status) bool {
	for _, detail := range s.Details() {
		if _, ok := detail.(*errdetails.ErrorInfo); ok {
			return true
		}
	}
	return false
}

// hint answers what to do about an error; nothing where the error says it.
func (a *app) hint(err error) string {
	var failed *callError
	switch {
	case errors.Is(err, target.ErrNoAddress):
		return "give --address or TALKCTL_ADDRESS, or make a context: talkctl config set demo --address 127.0.0.1:9090 --project demo --token-stdin"
	case errors.Is(err, target.ErrNoToken):
		return "give --token-file or set TALKCTL_TOKEN, or keep it in the context: talkctl config set " + a.contextName() + " --token-stdin" + a.foreignToken()
	case errors.Is(err, errNoProject):
		return "give --project or TALKCTL_PROJECT, or keep it in the context: talkctl config set " + a.contextName() + " --project demo"
	case errors.As(err, &failed):
		return a.hintOf(failed.status())
	}
	return ""
}

func (a *app) hintOf(s *status.Status) string {
	switch s.Code() {
	case codes.Unauthenticated:
		return "the token for " + a.where() + " is not (or no longer) known there; whoever keeps the router's API_TOKENS_FILE gives out tokens; then: talkctl config set " + a.contextName() + " --token-stdin"
	case codes.PermissionDenied:
		return "the token for " + a.where() + " has another role, or not this project (" + orNone(a.project()) + "); both stand in the router's API_TOKENS_FILE"
	case codes.Unavailable:
		if fromRouter(s) {
			return "the router runs, but not all that it needs; try again, or look: talkctl doctor"
		}
		return a.hintUnreachable(s.Message())
	case codes.DeadlineExceeded:
		return "no answer from " + a.where() + " in time; wait longer with --timeout 1m"
	case codes.Unimplemented:
		return "the router at " + a.where() + " is older than this talkctl, or does not serve this"
	case codes.Aborted:
		return "read it again, then repeat the change"
	case codes.InvalidArgument:
		return hintOfFields(s)
	case codes.ResourceExhausted:
		return "wait a moment and repeat it"
	}
	return ""
}

// slackIDs says how the ids are found that people give names for.
var slackIDs = []struct{ kind, hint string }{
	{"channel", "a channel is given by its id, C… (Slack: the channel's name > the bottom of About)"},
	{"workspace", "a workspace is given by its id, T… (Slack in a browser: …/client/T…)"},
	{"member", "a person is given by the member id, U… (Slack: the person's profile > ⋮ > Copy member ID)"},
}

// hintOfFields tells how ids are found, where one was refused by its shape.
func hintOfFields(s *status.Status) string {
	kinds := map[string]string{"channel": "channel", "note_only_channels": "channel", "workspace": "workspace", "slack_member": "member", "admins": "member", "mention_targets": "member"}
	var wrong []string
	for _, detail := range s.Details() {
		bad, ok := detail.(*errdetails.BadRequest)
		if !ok {
			continue
		}
		for _, v := range bad.GetFieldViolations() {
			if strings.Contains(v.GetDescription(), "regex pattern") {
				field, _, _ := strings.Cut(v.GetField()[strings.LastIndex(v.GetField(), ".")+1:], "[")
				wrong = append(wrong, kinds[field])
			}
		}
	}
	var hints []string
	for _, known := range slackIDs {
		if slices.Contains(wrong, known.kind) {
			hints = append(hints, known.hint)
		}
	}
	return strings.Join(hints, "; ")
}

func (a *app) hintUnreachable(message string) string {
	has := func(part string) bool { return strings.Contains(message, part) }
	switch {
	case has("first record does not look like a TLS handshake"):
		return a.where() + " speaks plain text; if the way there is safe: --insecure"
	case has("unknown authority"):
		return "the certificate of " + a.where() + " is not signed by an authority known here: --ca"
	case has("certificate required"), has("bad certificate"):
		return a.where() + " wants a certificate of yours: --cert and --key"
	case has("x509"):
		return "the certificate of " + a.where() + " is not valid for it; where its name is another: --server-name"
	case has("server preface"), has("frame"):
		return a.where() + " does not speak plain gRPC; if it speaks TLS: --tls, or --ca"
	}
	return "nobody answers at " + a.where() + "; is that the right context (talkctl config contexts), and does the router run?"
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// where answers the address with the context it is from.
func (a *app) where() string {
	if a.target.Name == "" {
		return a.target.Address
	}
	return a.target.Address + " (context " + a.target.Name + ")"
}

func (a *app) contextName() string {
	if a.target.Name == "" {
		return "NAME"
	}
	return a.target.Name
}

// foreignToken explains why a token that stands in a context was not used.
func (a *app) foreignToken() string {
	if a.flags.Address == "" {
		return ""
	}
	return " (a context's token is used for the context's own address alone)"
}
