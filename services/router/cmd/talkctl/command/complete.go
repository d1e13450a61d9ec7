package command

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/cmd/talkctl/fields"
	"github.com/slacktalk/slacktalk/services/router/cmd/talkctl/render"
	"github.com/slacktalk/slacktalk/services/router/cmd/talkctl/target"
)

const (
	// completionTime is how long a person waits for a completion at most.
	completionTime = 2 * time.Second
	// completions is how many are worth offering.
	completions = 100
)

// candidates answers what an argument may be, each with a description behind a tab.
type candidates func(ctx context.Context) []string

// completeFirst completes the first argument.
func (a *app) completeFirst(find candidates) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return a.candidates(c, find), cobra.ShellCompDirectiveNoFileComp
	}
}

// completeAll completes every argument with what is not there yet.
func (a *app) completeAll(find candidates) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		left := slices.DeleteFunc(a.candidates(c, find), func(s string) bool {
			value, _, _ := strings.Cut(s, "\t")
			return slices.Contains(args, value)
		})
		return left, cobra.ShellCompDirectiveNoFileComp
	}
}

// candidates asks; whatever goes wrong, a shell that completes gets nothing rather than an error.
func (a *app) candidates(c *cobra.Command, find candidates) []string {
	if a.settle(c) != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(c.Context(), completionTime)
	defer cancel()
	return find(ctx)
}

// listedIDs makes completions of the first page of a list in the project.
func listedIDs[T any](a *app, of func(parent string) fetch[T], describe func(T) (name, text string)) candidates {
	return func(ctx context.Context) []string {
		if a.flags.tokenStdin || a.connect(false) != nil {
			return nil
		}
		parent, err := a.parent()
		if err != nil {
			return nil
		}
		items, _, _ := pages(ctx, completions, of(parent))
		var found []string
		for _, item := range items {
			name, text := describe(item)
			found = append(found, render.Clean(id(name), "")+"\t"+render.Clean(text, ""))
		}
		return found
	}
}

func (a *app) operatorIDs(ctx context.Context) []string {
	found := listedIDs(a, a.operatorsOf,
		func(o *settingsv1.Operator) (name, text string) { return o.GetName(), o.GetDisplayName() })(ctx)
	if len(found) == 0 {
		found = listedIDs(a, func(parent string) fetch[*settingsv1.OperatorLink] { return a.linksOf(parent, "") },
			func(l *settingsv1.OperatorLink) (name, text string) { return l.GetName(), l.GetDisplayName() })(ctx)
	}
	return found
}

func (a *app) conversationIDs(ctx context.Context) []string {
	return listedIDs(a, func(parent string) fetch[*adminv1.Conversation] { return a.conversationsOf(parent, "") },
		func(c *adminv1.Conversation) (name, text string) {
			return c.GetName(), customerOf(c) + " " + stateOf(c)
		})(ctx)
}

func (a *app) letterIDs(ctx context.Context) []string {
	return listedIDs(a, func(parent string) fetch[*adminv1.DeadLetter] { return a.lettersOf(parent, "") },
		func(l *adminv1.DeadLetter) (name, text string) {
			return l.GetName(), l.GetReason() + " " + shorten(l.GetCause(), 40)
		})(ctx)
}

func (a *app) contextNames(context.Context) []string {
	var found []string
	file := a.quietFile()
	for _, name := range file.Names() {
		found = append(found, name+"\t"+file.Contexts[name].Address)
	}
	return found
}

// projects answers those that contexts name; the API does not list projects.
func (a *app) projects(context.Context) []string {
	var found []string
	file := a.quietFile()
	for _, name := range file.Names() {
		if project := file.Contexts[name].Project; project != "" && !slices.Contains(found, project) {
			found = append(found, project)
		}
	}
	return found
}

// quietFile answers the config file, an empty one when it cannot be read.
func (a *app) quietFile() *target.File {
	if path, err := target.Path(a.Getenv); err == nil {
		if file, err := target.Load(path); err == nil {
			return file
		}
	}
	return &target.File{}
}

func (a *app) completeFlags(root *cobra.Command) {
	for flag, find := range map[string]candidates{"context": a.contextNames, "project": a.projects} {
		_ = root.RegisterFlagCompletionFunc(flag, func(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			return find(c.Context()), cobra.ShellCompDirectiveNoFileComp
		})
	}
	_ = root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(render.Formats, cobra.ShellCompDirectiveNoFileComp))
}

// completeAssignment completes FIELD= and, where there are few values, what may follow.
func completeAssignment(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	var found []string
	name, _, hasValue := strings.Cut(typed, "=")
	if !hasValue {
		for _, field := range settable() {
			found = append(found, field+"=")
		}
		return found, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
	if field, err := fields.Find(teamFields, name); err == nil {
		for _, value := range fields.Values(field) {
			found = append(found, name+"="+strings.ToLower(value))
		}
	}
	return found, cobra.ShellCompDirectiveNoFileComp
}
