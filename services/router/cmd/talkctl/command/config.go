package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slacktalk/slacktalk/services/router/cmd/talkctl/render"
	"github.com/slacktalk/slacktalk/services/router/cmd/talkctl/target"
)

func (a *app) config() *cobra.Command {
	return group("config", "Contexts: where calls go and as whom", a.configContexts(), a.configShow(), a.configUse(), a.configSet(), a.configDelete())
}

// onFile makes a command about the config file; change says that it is written afterwards.
func (a *app) onFile(change bool, do func(file *target.File, args []string) error) func(*cobra.Command, []string) error {
	return a.run(func(_ context.Context, args []string) error {
		path, err := target.Path(a.Getenv)
		if err != nil {
			return usage(err)
		}
		file, err := target.Load(path)
		if err != nil {
			return usage(err)
		}
		if err := do(file, args); err != nil || !change {
			return err
		}
		return file.Save(path)
	})
}

// listed is a context as it is shown.
type listed struct {
	Name    string `json:"name"`
	Current bool   `json:"current"`
	target.Context
}

func (a *app) configContexts() *cobra.Command {
	return &cobra.Command{
		Use: "contexts", Short: "List the contexts", Args: cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: a.onFile(false, func(file *target.File, _ []string) error {
			contexts := []listed{}
			for _, name := range file.Names() {
				contexts = append(contexts, listed{Name: name, Current: name == file.Current, Context: file.Contexts[name].Shown()})
			}
			if a.print.Format != render.Table {
				return a.print.Value(contexts)
			}
			if len(contexts) == 0 {
				a.note("No contexts. Make one: talkctl config set demo --address 127.0.0.1:9090 --project demo --token-stdin")
				return nil
			}
			return a.print.Rows(tabulate(contexts, []column[listed]{
				{"current", func(l listed) string {
					if l.Current {
						return "*"
					}
					return " "
				}},
				{"context", func(l listed) string { return l.Name }},
				{"address", func(l listed) string { return l.Address }},
				{"project", func(l listed) string { return l.Project }},
				{"token", tokenOf},
			}))
		}),
	}
}

// tokenOf answers where a context's token is, never the token.
func tokenOf(l listed) string {
	if l.TokenFile != "" {
		return l.TokenFile
	}
	return l.Token.String()
}

func (a *app) configShow() *cobra.Command {
	return &cobra.Command{
		Use: "show [CONTEXT]", Short: "Show a context, without its token", Args: cobra.MaximumNArgs(1), ValidArgsFunction: a.completeFirst(a.contextNames),
		RunE: a.onFile(false, func(file *target.File, args []string) error {
			name := file.Current
			if a.flags.name != "" {
				name = a.flags.name
			}
			if len(args) > 0 {
				name = args[0]
			}
			found, err := existing(file, name)
			if err != nil {
				return err
			}
			shown := listed{Name: name, Current: name == file.Current, Context: found.Shown()}
			if a.print.Format == render.Table {
				a.print.Format = render.YAML
			}
			return a.print.Value(shown)
		}),
	}
}

func existing(file *target.File, name string) (*target.Context, error) {
	if found, ok := file.Contexts[name]; ok {
		return found, nil
	}
	if name == "" {
		return nil, usage(errors.New("no context is in use; name one, or: talkctl config use NAME"))
	}
	return nil, usage(fmt.Errorf("there is no context %q; there is: %s", name, orNone(strings.Join(file.Names(), ", "))))
}

func (a *app) configUse() *cobra.Command {
	return &cobra.Command{
		Use: "use CONTEXT", Short: "Use a context from now on", Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeFirst(a.contextNames),
		RunE: a.onFile(true, func(file *target.File, args []string) error {
			if _, err := existing(file, args[0]); err != nil {
				return err
			}
			file.Current = args[0]
			a.note("%s is in use now.", args[0])
			return nil
		}),
	}
}

func (a *app) configDelete() *cobra.Command {
	return &cobra.Command{
		Use: "delete CONTEXT", Short: "Remove a context", Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeFirst(a.contextNames),
		RunE: a.onFile(true, func(file *target.File, args []string) error {
			if _, err := existing(file, args[0]); err != nil {
				return err
			}
			delete(file.Contexts, args[0])
			if file.Current == args[0] {
				file.Current = ""
			}
			a.note("%s is removed.", args[0])
			return nil
		}),
	}
}

func (a *app) configSet() *cobra.Command {
	var use bool
	c := &cobra.Command{
		Use:   "set CONTEXT",
		Short: "Make or change a context",
		Long: `Make or change a context out of --address, --project, --token-file or --token-stdin, --ca, --cert, --key, --server-name, --tls and
--insecure; an empty value removes one. Variables are not looked at. The first context is used at once. The file is for its owner alone (mode 0600).`,
		Example: "  talkctl config set demo --address 127.0.0.1:9090 --project demo --token-stdin <token.txt\n  talkctl config set live --address slacktalk.example.com:9090 --ca ca.pem --cert me.pem --key me.key --token-file ~/.slacktalk-token",
		Args:    cobra.ExactArgs(1), ValidArgsFunction: a.completeFirst(a.contextNames),
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		given := a.flags.Context // before variables are laid over it
		return a.onFile(true, func(file *target.File, args []string) error {
			a.flags.Context = given
			return a.setContext(c, file, args[0], use)
		})(c, args)
	}
	c.Flags().BoolVar(&use, "use", false, "use it from now on")
	return c
}

func (a *app) setContext(c *cobra.Command, file *target.File, name string, use bool) error {
	made := file.Contexts[name]
	if made == nil {
		made = &target.Context{}
	}
	before := made.Address
	if err := a.overlay(c, made); err != nil {
		return usage(err)
	}
	if made.Address == "" {
		return usage(fmt.Errorf("context %s has no address: give --address", name))
	}
	address, err := target.Address(made.Address)
	if err != nil {
		return usage(err)
	}
	made.Address = address
	newToken := a.flags.tokenStdin || c.Flags().Changed("token-file")
	if before != "" && before != address && !newToken && (made.Token != "" || made.TokenFile != "") {
		made.Token, made.TokenFile = "", ""
		a.note("The address is another one, so the token of the former one is removed: give --token-stdin or --token-file.")
	}
	if (made.Cert == "") != (made.Key == "") {
		return usage(errors.New("--cert and --key go together"))
	}
	file.Contexts[name] = made
	if use || file.Current == "" {
		file.Current = name
	}
	a.note("Context %s is kept%s.", name, map[bool]string{true: " and in use"}[file.Current == name])
	return nil
}

// overlay puts the flags that were given onto a context.
func (a *app) overlay(c *cobra.Command, made *target.Context) error {
	given := a.flags.Context
	for flag, set := range map[string]func(){
		"address":     func() { made.Address = given.Address },
		"project":     func() { made.Project = strings.TrimPrefix(given.Project, "projects/") },
		"server-name": func() { made.ServerName = given.ServerName },
		"tls":         func() { made.TLS = given.TLS },
		"insecure":    func() { made.Insecure = given.Insecure },
		"ca":          func() { made.CA = absolute(given.CA) },
		"cert":        func() { made.Cert = absolute(given.Cert) },
		"key":         func() { made.Key = absolute(given.Key) },
		"token-file":  func() { made.Token, made.TokenFile = "", absolute(given.TokenFile) },
	} {
		if c.Flags().Changed(flag) {
			set()
		}
	}
	if made.Project != "" && !projectShape.MatchString(made.Project) {
		return fmt.Errorf("%q is no project", made.Project)
	}
	if !a.flags.tokenStdin {
		return nil
	}
	token, err := a.typedToken()
	made.Token, made.TokenFile = token, ""
	return err
}

// typedToken reads the token to keep: from the terminal without showing it, or one line of the standard input.
func (a *app) typedToken() (target.Token, error) {
	var line string
	var err error
	if a.InTerminal {
		fmt.Fprint(a.Err, "Token: ")
		line, err = a.Password()
		fmt.Fprintln(a.Err)
	} else {
		line, err = a.in.ReadString('\n')
		if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if err != nil {
		return "", fmt.Errorf("read the token: %w", err)
	}
	token := target.Token(strings.TrimSpace(line))
	if token == "" {
		return "", errors.New("no token was given")
	}
	return token, token.Check()
}

// absolute answers a path that holds from every folder.
func absolute(path string) string {
	if path == "" {
		return ""
	}
	if whole, err := filepath.Abs(path); err == nil {
		return whole
	}
	return path
}
