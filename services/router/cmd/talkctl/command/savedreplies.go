package command

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/cmd/talkctl/fields"
	"github.com/slacktalk/slacktalk/services/router/cmd/talkctl/render"
)

const savedRepliesCollection = "savedReplies"

var savedFields = (*settingsv1.SavedReply)(nil).ProtoReflect().Descriptor()

func (a *app) savedReplies() *cobra.Command {
	return group("saved-replies", "Texts that operators send again and again (定型文)",
		a.savedList(), a.savedGet(), a.savedCreate(), a.savedUpdate(), a.savedDelete(), a.savedExport(), a.savedImport())
}

func (a *app) saved() settingsv1.SavedReplyServiceClient {
	return settingsv1.NewSavedReplyServiceClient(a.conn)
}

func (a *app) savedList() *cobra.Command {
	var list listFlags
	var query string
	c := &cobra.Command{
		Use: "list", Short: "List the saved replies by title", Args: cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		Example: "  talkctl saved-replies list --query 返金",
		RunE: a.run(func(ctx context.Context, _ []string) error {
			parent, err := a.open()
			if err != nil {
				return err
			}
			replies, more, err := pages(ctx, list.limit, a.savedOf(parent, query))
			if err != nil {
				return err
			}
			const beginning = 40
			return printList(a, replies, more, "There are no saved replies.",
				column[*settingsv1.SavedReply]{"id", func(s *settingsv1.SavedReply) string { return id(s.GetName()) }},
				column[*settingsv1.SavedReply]{"title", (*settingsv1.SavedReply).GetTitle},
				column[*settingsv1.SavedReply]{"text", func(s *settingsv1.SavedReply) string { return shorten(s.GetText(), beginning) }},
				column[*settingsv1.SavedReply]{"changed", func(s *settingsv1.SavedReply) string { return a.print.Stamp(s.GetUpdateTime()) }},
			)
		}),
	}
	list.add(c, "")
	c.Flags().StringVar(&query, "query", "", "only those whose title or text has these words")
	return c
}

func (a *app) savedOf(parent, query string) fetch[*settingsv1.SavedReply] {
	return func(ctx context.Context, size int32, token string) ([]*settingsv1.SavedReply, string, error) {
		answer, err := call(ctx, a, "list the saved replies of "+parent, a.saved().ListSavedReplies,
			&settingsv1.ListSavedRepliesRequest{Parent: parent, PageSize: size, PageToken: token, Query: query})
		return answer.GetSavedReplies(), answer.GetNextPageToken(), err
	}
}

func (a *app) savedIDs(ctx context.Context) []string {
	return listedIDs(a, func(parent string) fetch[*settingsv1.SavedReply] { return a.savedOf(parent, "") },
		func(s *settingsv1.SavedReply) (name, text string) { return s.GetName(), s.GetTitle() })(ctx)
}

func (a *app) savedGet() *cobra.Command {
	return &cobra.Command{
		Use: "get ID", Short: "Show a saved reply", Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeFirst(a.savedIDs),
		RunE: a.run(func(ctx context.Context, args []string) error {
			reply, err := a.savedReply(ctx, args[0])
			if err != nil {
				return err
			}
			return a.printFields(reply)
		}),
	}
}

// savedReply reads one that was given by its id or name.
func (a *app) savedReply(ctx context.Context, given string) (*settingsv1.SavedReply, error) {
	if err := a.connect(true); err != nil {
		return nil, err
	}
	name, err := a.name(savedRepliesCollection, given)
	if err != nil {
		return nil, err
	}
	answer, err := call(ctx, a, "read "+name, a.saved().GetSavedReply, &settingsv1.GetSavedReplyRequest{Name: name})
	return answer.GetSavedReply(), err
}

// savedHelp is about what create and update take.
const savedHelp = `The fields are title, which people look for in Slack, and text, which the customer reads: {customer} and {operator} in it stand for the
customer's id and the operator's name. @file takes what a file holds.`

func (a *app) savedCreate() *cobra.Command {
	return &cobra.Command{
		Use: "create ID FIELD=VALUE...", Short: "Add a saved reply", Args: cobra.MinimumNArgs(2), ValidArgsFunction: cobra.NoFileCompletions,
		Long:    "Add a saved reply. Its id is of lower-case letters, digits and -. " + savedHelp,
		Example: "  talkctl saved-replies create thanks title=お礼 'text={customer} 様、お問い合わせありがとうございます。{operator} です。'",
		RunE: a.run(func(ctx context.Context, args []string) error {
			reply, _, err := a.savedGiven(args[1:])
			if err != nil {
				return usage(err)
			}
			parent, err := a.open()
			if err != nil {
				return err
			}
			if reply.Name, err = a.name(savedRepliesCollection, args[0]); err != nil {
				return err
			}
			return a.createSaved(ctx, parent, reply)
		}),
	}
}

func (a *app) createSaved(ctx context.Context, parent string, reply *settingsv1.SavedReply) error {
	answer, err := call(ctx, a, "add "+reply.GetName(), a.saved().CreateSavedReply, &settingsv1.CreateSavedReplyRequest{Parent: parent, SavedReply: reply, SavedReplyId: id(reply.GetName())})
	if err != nil {
		return err
	}
	return a.printSaved(answer.GetSavedReply(), "added")
}

func (a *app) printSaved(reply *settingsv1.SavedReply, what string) error {
	if a.print.Format != render.Table {
		return a.print.Message(reply)
	}
	return a.say("%s (%s) is %s.", id(reply.GetName()), reply.GetTitle(), what)
}

// savedGiven reads what fields are to be.
func (a *app) savedGiven(args []string) (reply *settingsv1.SavedReply, named []protoreflect.FieldDescriptor, err error) {
	reply = &settingsv1.SavedReply{}
	for _, arg := range args {
		name, value, ok := strings.Cut(arg, "=")
		if !ok {
			return nil, nil, fmt.Errorf("%q is not FIELD=VALUE", arg)
		}
		field, err := fields.Find(savedFields, name)
		if err != nil {
			return nil, nil, err
		}
		if err := fields.Set(reply, field, value, a.read); err != nil {
			return nil, nil, err
		}
		named = append(named, field)
	}
	return reply, named, nil
}

func (a *app) savedUpdate() *cobra.Command {
	var etag string
	c := &cobra.Command{
		Use: "update ID FIELD=VALUE...", Short: "Change a saved reply", Args: cobra.MinimumNArgs(2), ValidArgsFunction: a.completeFirst(a.savedIDs),
		Long:    "Change the title or the text of a saved reply. It is refused when somebody else has changed it since it was read, just before or with --etag. " + savedHelp,
		Example: `  talkctl saved-replies update thanks text=@thanks.txt`,
		RunE: a.run(func(ctx context.Context, args []string) error {
			wanted, named, err := a.savedGiven(args[1:])
			if err != nil {
				return usage(err)
			}
			before, err := a.savedReply(ctx, args[0])
			if err != nil {
				return err
			}
			if wanted.Etag = etag; etag == "" {
				wanted.Etag = before.GetEtag()
			}
			wanted.Name = before.GetName()
			return a.updateSaved(ctx, wanted, named)
		}),
	}
	c.Flags().StringVar(&etag, "etag", "", "change it only if it still has this etag (default: that of a read just before)")
	return c
}

func (a *app) updateSaved(ctx context.Context, wanted *settingsv1.SavedReply, named []protoreflect.FieldDescriptor) error {
	mask := &fieldmaskpb.FieldMask{}
	for _, field := range named {
		mask.Paths = append(mask.Paths, string(field.Name()))
	}
	answer, err := call(ctx, a, "change "+wanted.GetName(), a.saved().UpdateSavedReply, &settingsv1.UpdateSavedReplyRequest{SavedReply: wanted, UpdateMask: mask})
	if err != nil {
		return err
	}
	return a.printSaved(answer.GetSavedReply(), "changed")
}

func (a *app) savedDelete() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use: "delete ID...", Short: "Remove saved replies", Args: cobra.MinimumNArgs(1), ValidArgsFunction: a.completeAll(a.savedIDs),
		RunE: a.run(func(ctx context.Context, args []string) error {
			if err := a.connect(true); err != nil {
				return err
			}
			names, err := a.names(savedRepliesCollection, args)
			if err != nil {
				return err
			}
			if err := a.confirm(yes, count(len(names), "saved reply is removed", "saved replies are removed")+" for good. Go on?"); err != nil {
				return err
			}
			return a.each(ctx, names, "remove", a.deleteSaved)
		}),
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

func (a *app) deleteSaved(ctx context.Context, name string) (string, error) {
	_, err := call(ctx, a, "remove "+name, a.saved().DeleteSavedReply, &settingsv1.DeleteSavedReplyRequest{Name: name})
	return "is removed", err
}
