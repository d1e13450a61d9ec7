// Package command is talkctl's commands.
package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	"github.com/slacktalk/slacktalk/services/router/cmd/talkctl/render"
	"github.com/slacktalk/slacktalk/services/router/cmd/talkctl/target"
)

// Host is what talkctl runs in.
type Host struct {
	In       io.Reader
	Out, Err io.Writer
	Getenv   func(string) string
	// Location is the time zone of tables.
	Location                             *time.Location
	InTerminal, OutTerminal, ErrTerminal bool
	// Password reads a line from the terminal without showing it.
	Password func() (string, error)
}

// app is one run of talkctl.
type app struct {
	Host
	root  *cobra.Command
	in    *bufio.Reader
	print *render.Printer
	flags flags
	// running says that the command line was understood.
	running bool
	// target and conn are there once a command has connected.
	target target.Target
	conn   *grpc.ClientConn
}

// flags that every command has.
type flags struct {
	target.Context
	name       string
	output     string
	timeout    time.Duration
	tokenStdin bool
}

// defaultTimeout of one call is a little longer than the router's own.
const defaultTimeout = 15 * time.Second

// longTimeout is that of calls which read much of what is stored.
const longTimeout = 5*time.Minute + 15*time.Second

// Run does what args say and answers the exit status.
func Run(ctx context.Context, args []string, host Host) (status int) {
	a := &app{Host: host, in: bufio.NewReader(host.In)}
	a.print = &render.Printer{Out: host.Out, Location: host.Location, Color: host.OutTerminal && host.Getenv("NO_COLOR") == "" && host.Getenv("TERM") != "dumb"}
	a.root = a.newRoot() //nolint:contextcheck // commands and completions get theirs from ExecuteContext
	a.root.SetArgs(args)
	err := a.root.ExecuteContext(ctx)
	if a.conn != nil {
		_ = a.conn.Close()
	}
	if err == nil {
		return statusOK
	}
	if !a.running {
		err = usage(err)
	}
	return a.report(ctx, err)
}

func (a *app) newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "talkctl",
		Short: "Look at Slack Talk and change it",
		Long: `talkctl looks at Slack Talk and changes it, over the router's gRPC API.

Where calls go and as whom is a context of the config file ($TALKCTL_CONFIG, else talkctl/config.yaml
in your folder for such files); flags and variables called TALKCTL_ADDRESS, TALKCTL_TOKEN_FILE and so
on, like the flags, go over it. Variables are left aside when --context is given. A token is never an
argument: it comes from a file, from TALKCTL_TOKEN, or is asked for.

Exit status: 0 done; 1 it failed, or a check did; 2 the command line, a file or a value is wrong and
nothing was changed; 3 the router cannot be reached or does not answer in time; 4 not allowed;
5 not found; 6 somebody else was faster, or it is not possible as things stand; 130 interrupted.`,
		SilenceErrors: true, SilenceUsage: true,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	a.addFlags(root)
	root.AddCommand(a.settings(), a.operators(), a.savedReplies(), a.conversations(), a.dead(), a.audit(), a.export(), a.importDocument(),
		a.doctor(), a.top(), a.topology(), a.config(), a.version())
	root.InitDefaultCompletionCmd()
	return root
}

func (a *app) addFlags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.StringVar(&a.flags.name, "context", "", "context of the config file")
	f.StringVar(&a.flags.Address, "address", "", "the router's gRPC API, host:port")
	f.StringVar(&a.flags.Project, "project", "", "the project")
	f.StringVar(&a.flags.TokenFile, "token-file", "", "path of a file with the token")
	f.BoolVar(&a.flags.tokenStdin, "token-stdin", false, "read the token from the standard input, one line")
	f.StringVar(&a.flags.CA, "ca", "", "path of the certificate authority of the server (default: the system's)")
	f.StringVar(&a.flags.Cert, "cert", "", "path of your certificate, for mTLS")
	f.StringVar(&a.flags.Key, "key", "", "path of its key")
	f.StringVar(&a.flags.ServerName, "server-name", "", "the name in the server's certificate, if not that of the address")
	f.BoolVar(&a.flags.TLS, "tls", false, "TLS on loopback too, where plain text is the default")
	f.BoolVar(&a.flags.Insecure, "insecure", false, "plain text off loopback: the token can be read on the way")
	f.StringVarP(&a.flags.output, "output", "o", string(render.Table), "table, json or yaml")
	f.DurationVar(&a.flags.timeout, "timeout", 0, "for how long to wait for an answer (default 15s; 3m for doctor, 5m15s for what reads much)")
	a.completeFlags(root)
}

// variables may stand for flags; those of the target are left aside when --context is given, so that they never turn a command that names where it
// goes to somewhere else.
var variables = map[string]bool{
	"context": false, "output": false, "timeout": false,
	"address": true, "project": true, "token-file": true, "ca": true, "cert": true, "key": true, "server-name": true, "tls": true, "insecure": true,
}

// settle takes what flags did not say from the variables.
func (a *app) settle(c *cobra.Command) error {
	named := c.Flags().Changed("context")
	for name, ofTarget := range variables {
		variable := "TALKCTL_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		value := a.Getenv(variable)
		if value == "" || c.Flags().Changed(name) || (ofTarget && named) {
			continue
		}
		if name == "token-file" && a.flags.tokenStdin {
			continue
		}
		if err := c.Flags().Lookup(name).Value.Set(value); err != nil {
			return usage(fmt.Errorf("%s: %w", variable, err))
		}
	}
	token := a.Getenv("TALKCTL_TOKEN")
	switch fromFlag := c.Flags().Changed("token-file"); {
	case a.flags.tokenStdin && fromFlag:
		return usage(errors.New("--token-file and --token-stdin are given: one of them is needed"))
	case token == "" || named || fromFlag || a.flags.tokenStdin:
	case a.flags.TokenFile != "":
		return usage(errors.New("TALKCTL_TOKEN and TALKCTL_TOKEN_FILE are set: one of them is needed"))
	default:
		a.flags.Token = target.Token(strings.TrimSpace(token))
	}
	a.print.Format = render.Format(a.flags.output)
	if a.print.Format != render.Table && a.print.Format != render.JSON && a.print.Format != render.YAML {
		return usage(fmt.Errorf("--output is %q; it is one of %s", a.flags.output, strings.Join(render.Formats, ", ")))
	}
	return nil
}

// run wraps what a command does.
func (a *app) run(do func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		a.running = true
		if err := a.settle(c); err != nil {
			return err
		}
		return do(c.Context(), args)
	}
}

// connect opens the connection of this run; ask allows asking a person for the token.
func (a *app) connect(ask bool) error {
	if a.conn != nil {
		return nil
	}
	path, err := target.Path(a.Getenv)
	if err != nil {
		return usage(err)
	}
	file, err := target.Load(path)
	if err != nil {
		return usage(err)
	}
	if a.target, err = target.Resolve(file, a.flags.name, a.flags.Context); err != nil {
		return usage(err)
	}
	if err := a.readToken(ask); err != nil {
		return usage(err)
	}
	a.conn, err = a.target.Dial()
	return usage(err)
}

func (a *app) readToken(ask bool) error {
	if a.flags.tokenStdin {
		line, err := a.in.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read the token: %w", err)
		}
		a.target.Token, a.target.TokenFile = target.Token(strings.TrimSpace(line)), ""
	}
	err := a.target.ReadToken()
	if !errors.Is(err, target.ErrNoToken) || !ask || !a.InTerminal {
		return err
	}
	fmt.Fprintf(a.Err, "Token for %s: ", a.target.Address)
	typed, err := a.Password()
	fmt.Fprintln(a.Err)
	if err != nil {
		return fmt.Errorf("read the token: %w", err)
	}
	a.target.Token = target.Token(strings.TrimSpace(typed))
	return a.target.ReadToken()
}

// call connects and makes one call within the deadline.
func call[Q, A any](ctx context.Context, a *app, doing string, method func(context.Context, Q, ...grpc.CallOption) (A, error), request Q) (A, error) {
	ctx, cancel := a.deadline(ctx, patience(request))
	defer cancel()
	answer, err := method(ctx, request)
	if err != nil {
		return answer, &callError{doing: doing, err: err}
	}
	return answer, nil
}

// patience answers how long a call may usually take: some read much of what is stored.
func patience(request any) time.Duration {
	switch request.(type) {
	case *adminv1.ListConversationsRequest, *adminv1.TraceConversationRequest, *adminv1.EraseConversationRequest:
		return longTimeout
	}
	return defaultTimeout
}

func (a *app) deadline(ctx context.Context, usual time.Duration) (context.Context, context.CancelFunc) {
	if a.flags.timeout > 0 {
		usual = a.flags.timeout
	}
	return context.WithTimeout(ctx, usual)
}

// note tells a person something that is not the answer.
func (a *app) note(format string, values ...any) {
	fmt.Fprintln(a.Err, render.Clean(fmt.Sprintf(format, values...), "\n"))
}

// confirm asks before something that cannot be undone. Without a person to ask, --yes is needed.
func (a *app) confirm(yes bool, question string) error {
	if yes {
		return nil
	}
	if !a.InTerminal {
		return usage(errors.New("this cannot be undone, and there is nobody to ask: give --yes"))
	}
	fmt.Fprint(a.Err, render.Clean(question, "\n")+" [y/N] ")
	answer, err := a.in.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the answer: %w", err)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return errors.New("not confirmed; nothing was done")
}

// read reads a file, or the standard input for "-".
func (a *app) read(path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(a.in)
	}
	return os.ReadFile(path) //nolint:gosec // the user says which file
}

// group makes a command that only holds others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(commands...)
	return c
}
