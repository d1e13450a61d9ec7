package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	"github.com/slacktalk/slacktalk/services/router/cmd/talkctl/render"
)

const lettersCollection = "deadLetters"

const letterFields = "stream, reason, kind, conversation and die_time"

func (a *app) dead() *cobra.Command {
	return group("dead", "What could not be done", a.deadList(), a.deadShow(), a.deadReplay(), a.deadDiscard())
}

func (a *app) letters() adminv1.DeadLetterServiceClient {
	return adminv1.NewDeadLetterServiceClient(a.conn)
}

// lettersParent answers the project, or the one that stands for all.
func (a *app) lettersParent(all bool) (string, error) {
	if err := a.connect(true); err != nil {
		return "", err
	}
	if all {
		return "projects/" + anyProject, nil
	}
	return a.parent()
}

func (a *app) deadList() *cobra.Command {
	var list listFlags
	var everywhere bool
	c := &cobra.Command{
		Use: "list", Short: "List what could not be done, the latest first", Args: cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: a.run(func(ctx context.Context, _ []string) error {
			parent, err := a.lettersParent(everywhere)
			if err != nil {
				return err
			}
			found, more, err := pages(ctx, list.limit, a.lettersOf(parent, list.filter))
			if err != nil {
				return err
			}
			return a.printLetters(found, more, everywhere)
		}),
	}
	list.add(c, letterFields)
	c.Flags().BoolVar(&everywhere, "all-projects", false, "of all projects, and what belongs to none")
	return c
}

func (a *app) lettersOf(parent, filter string) fetch[*adminv1.DeadLetter] {
	return func(ctx context.Context, size int32, token string) ([]*adminv1.DeadLetter, string, error) {
		answer, err := call(ctx, a, "list the dead letters of "+parent, a.letters().ListDeadLetters,
			&adminv1.ListDeadLettersRequest{Parent: parent, PageSize: size, PageToken: token, Filter: filter})
		return answer.GetDeadLetters(), answer.GetNextPageToken(), err
	}
}

func (a *app) printLetters(found []*adminv1.DeadLetter, more, fullNames bool) error {
	type letter = *adminv1.DeadLetter
	return printList(a, found, more, "No dead letters.",
		column[letter]{"letter", func(l letter) string {
			if fullNames {
				return l.GetName()
			}
			return id(l.GetName())
		}},
		column[letter]{"died", func(l letter) string { return a.print.Stamp(l.GetDieTime()) }},
		column[letter]{"reason", letter.GetReason},
		column[letter]{"kind", letter.GetKind},
		column[letter]{"stream", letter.GetStream},
		column[letter]{"conversation", func(l letter) string { return id(l.GetConversation()) }},
		column[letter]{"cause", func(l letter) string { return shorten(l.GetCause(), 80) }},
	)
}

// shorten cuts what would make a table unreadable; `show` has all of it.
func shorten(s string, most int) string {
	runes := []rune(strings.Join(strings.Fields(s), " "))
	if len(runes) <= most {
		return string(runes)
	}
	return string(runes[:most-1]) + "…"
}

func (a *app) deadShow() *cobra.Command {
	return &cobra.Command{
		Use: "show LETTER", Short: "Show one with its content, which holds what people wrote", Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeFirst(a.letterIDs),
		RunE: a.run(func(ctx context.Context, args []string) error {
			if err := a.connect(true); err != nil {
				return err
			}
			name, err := a.name(lettersCollection, args[0])
			if err != nil {
				return err
			}
			answer, err := call(ctx, a, "read "+name, a.letters().GetDeadLetter, &adminv1.GetDeadLetterRequest{Name: name})
			if err != nil {
				return err
			}
			return a.printLetter(answer.GetDeadLetter())
		}),
	}
}

func (a *app) printLetter(l *adminv1.DeadLetter) error {
	if a.print.Format == render.Table {
		l.Content = indented(l.GetContent())
	}
	return a.printFields(l)
}

// indented answers JSON on several lines, and anything else as it is.
func indented(content string) string {
	var out bytes.Buffer
	if json.Indent(&out, []byte(content), "", "  ") != nil {
		return content
	}
	return out.String()
}

// choice says which letters a command is about.
type choice struct {
	all, everywhere bool
	filter          string
}

func (ch *choice) add(c *cobra.Command) {
	c.Flags().BoolVar(&ch.all, "all", false, "all of the project, or those that --filter lets through")
	c.Flags().StringVar(&ch.filter, "filter", "", "with --all: an AIP-160 filter over "+letterFields)
	c.Flags().BoolVar(&ch.everywhere, "all-projects", false, "with --all: of all projects, and what belongs to none")
}

// chosen answers the names of the letters. They are listed before anything is done to one, so that the list stays what it is.
func (a *app) chosen(ctx context.Context, ch choice, args []string) ([]string, error) {
	switch {
	case ch.all == (len(args) > 0):
		return nil, usage(errors.New("give letters, or --all"))
	case !ch.all && (ch.filter != "" || ch.everywhere):
		return nil, usage(errors.New("--filter and --all-projects go with --all"))
	}
	parent, err := a.lettersParent(ch.everywhere || !ch.all)
	if err != nil {
		return nil, err
	}
	if !ch.all {
		return a.names(lettersCollection, args)
	}
	found, _, err := pages(ctx, 0, a.lettersOf(parent, ch.filter))
	var names []string
	for _, l := range found {
		names = append(names, l.GetName())
	}
	return names, err
}

func (a *app) deadReplay() *cobra.Command {
	var ch choice
	var notDone, yes bool
	c := &cobra.Command{
		Use:   "replay LETTER... | --all",
		Short: "Let it be done again",
		Long: `Let it be done again, once what kept it from being done is mended. What the first attempts have already done is looked for and not
done twice. --not-done says that you have looked and that it was not done: it is done without looking again.`,
		Example:           "  talkctl dead replay 12 13\n  talkctl dead replay --all --filter 'reason = \"EXHAUSTED\"'",
		ValidArgsFunction: a.completeAll(a.letterIDs),
		RunE: a.run(func(ctx context.Context, args []string) error {
			names, err := a.chosen(ctx, ch, args)
			if err != nil || a.none(names) {
				return err
			}
			if notDone {
				question := fmt.Sprintf("%s without looking whether it was done: a customer may get it twice. Go on?", count(len(names), "message is sent", "messages are sent"))
				if err := a.confirm(yes, question); err != nil {
					return err
				}
			}
			return a.each(ctx, names, "replay", func(ctx context.Context, name string) (string, error) {
				answer, err := call(ctx, a, "replay "+name, a.letters().ReplayDeadLetter, &adminv1.ReplayDeadLetterRequest{Name: name, NotDone: notDone})
				return "is waiting again under " + answer.GetSubject(), err
			})
		}),
	}
	ch.add(c)
	c.Flags().BoolVar(&notDone, "not-done", false, "you have looked, and it was not done")
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

// none tells that no letter was chosen, if so.
func (a *app) none(names []string) bool {
	if len(names) == 0 {
		a.note("No dead letters.")
	}
	return len(names) == 0
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func (a *app) deadDiscard() *cobra.Command {
	var ch choice
	var yes bool
	c := &cobra.Command{
		Use: "discard LETTER... | --all", Short: "Remove it without doing it", ValidArgsFunction: a.completeAll(a.letterIDs),
		RunE: a.run(func(ctx context.Context, args []string) error {
			names, err := a.chosen(ctx, ch, args)
			if err != nil || a.none(names) {
				return err
			}
			if err := a.confirm(yes, count(len(names), "dead letter is removed", "dead letters are removed")+" for good. Go on?"); err != nil {
				return err
			}
			return a.each(ctx, names, "discard", func(ctx context.Context, name string) (string, error) {
				_, err := call(ctx, a, "discard "+name, a.letters().DiscardDeadLetter, &adminv1.DiscardDeadLetterRequest{Name: name})
				return "is removed", err
			})
		}),
	}
	ch.add(c)
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}
