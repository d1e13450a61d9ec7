package command

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/reflect/protoreflect"

	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	"github.com/slacktalk/slacktalk/services/router/cmd/talkctl/fields"
	"github.com/slacktalk/slacktalk/services/router/cmd/talkctl/render"
)

const conversationsCollection = "conversations"

func (a *app) conversations() *cobra.Command {
	return group("conversations", "Conversations with customers",
		a.conversationsList(), a.conversationsShow(), a.conversationsRelink(), a.conversationsErase(), a.conversationsTrace())
}

func (a *app) talks() adminv1.ConversationServiceClient {
	return adminv1.NewConversationServiceClient(a.conn)
}

// conversationStates are what --state takes.
var conversationStates = []string{"new", "waiting", "answered"}

func (a *app) conversationsList() *cobra.Command {
	var list listFlags
	var customer, state, assignee, channel string
	c := &cobra.Command{
		Use: "list", Short: "List the conversations, the one with the latest message first", Args: cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		Example: "  talkctl conversations list --state waiting\n  talkctl conversations list --filter 'state = \"WAITING\" AND update_time < \"2026-01-31T00:00:00Z\"'",
		RunE: a.run(func(ctx context.Context, _ []string) error {
			parent, err := a.open()
			if err != nil {
				return err
			}
			if state != "" && !slices.Contains(conversationStates, strings.ToLower(state)) {
				return usage(fmt.Errorf("--state is %q; it is one of %s", state, strings.Join(conversationStates, ", ")))
			}
			filter := both(equals("customer", customer), equals("state", strings.ToUpper(state)), equals("assignee", assignee), equals("channel", channel), list.filter)
			found, more, err := pages(ctx, list.limit, a.conversationsOf(parent, filter))
			if err != nil {
				return err
			}
			return a.printConversations(found, more)
		}),
	}
	list.add(c, "customer, assignee, channel, state and update_time")
	c.Flags().StringVar(&customer, "customer", "", "only of this customer: a member or visitor id")
	c.Flags().StringVar(&state, "state", "", "only those that are new, waiting or answered")
	c.Flags().StringVar(&assignee, "assignee", "", "only those assigned to this operator")
	c.Flags().StringVar(&channel, "channel", "", "only those with their thread in this channel")
	_ = c.RegisterFlagCompletionFunc("state", cobra.FixedCompletions(conversationStates, cobra.ShellCompDirectiveNoFileComp))
	return c
}

// equals answers the filter for a value; nothing without one.
func equals(field, value string) string {
	if value == "" {
		return ""
	}
	return field + " = " + quote(value)
}

func (a *app) conversationsOf(parent, filter string) fetch[*adminv1.Conversation] {
	return func(ctx context.Context, size int32, token string) ([]*adminv1.Conversation, string, error) {
		answer, err := call(ctx, a, "list the conversations of "+parent, a.talks().ListConversations,
			&adminv1.ListConversationsRequest{Parent: parent, PageSize: size, PageToken: token, Filter: filter})
		return answer.GetConversations(), answer.GetNextPageToken(), err
	}
}

func (a *app) printConversations(found []*adminv1.Conversation, more bool) error {
	type conversation = *adminv1.Conversation
	return printList(a, found, more, "No conversations.",
		column[conversation]{"conversation", func(c conversation) string { return id(c.GetName()) }},
		column[conversation]{"customer", customerOf},
		column[conversation]{"state", stateOf},
		column[conversation]{"assignee", assigneeOf},
		column[conversation]{"channel", conversation.GetChannel},
		column[conversation]{"customer wrote", func(c conversation) string { return a.print.Stamp(c.GetLastCustomerMessageTime()) }},
		column[conversation]{"operator wrote", func(c conversation) string { return a.print.Stamp(c.GetLastOperatorMessageTime()) }},
	)
}

func customerOf(c *adminv1.Conversation) string {
	if c.GetUserId() != "" {
		return c.GetUserId()
	}
	return c.GetVisitorId()
}

func stateOf(c *adminv1.Conversation) string {
	return fields.EnumText(c.GetState().Descriptor(), protoreflect.EnumNumber(c.GetState()))
}

func assigneeOf(c *adminv1.Conversation) string {
	if c.GetAssigneeName() != "" {
		return c.GetAssigneeName()
	}
	return c.GetAssignee()
}

// aboutOne makes a command about one conversation.
func (a *app) aboutOne(use, short string, do func(ctx context.Context, name string) error) *cobra.Command {
	return &cobra.Command{
		Use: use + " CONVERSATION", Short: short, Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeFirst(a.conversationIDs),
		RunE: a.run(func(ctx context.Context, args []string) error {
			if err := a.connect(true); err != nil {
				return err
			}
			name, err := a.name(conversationsCollection, args[0])
			if err != nil {
				return err
			}
			return do(ctx, name)
		}),
	}
}

func (a *app) conversationsShow() *cobra.Command {
	return a.aboutOne("show", "Show a conversation", func(ctx context.Context, name string) error {
		answer, err := call(ctx, a, "read "+name, a.talks().GetConversation, &adminv1.GetConversationRequest{Name: name})
		if err != nil {
			return err
		}
		return a.printFields(answer.GetConversation())
	})
}

func (a *app) conversationsRelink() *cobra.Command {
	var channel string
	c := a.aboutOne("relink", "Open a new thread for a conversation in another channel", func(ctx context.Context, name string) error {
		answer, err := call(ctx, a, "relink "+name, a.talks().RelinkConversation, &adminv1.RelinkConversationRequest{Name: name, Channel: channel})
		if err != nil {
			return err
		}
		return a.printFields(answer.GetConversation())
	})
	c.Long = "Open a new thread for a conversation in another channel; what is written from then on goes there. The former thread stays, and\nreplies in it still reach the customer."
	c.Flags().StringVar(&channel, "channel", "", "the channel (default: the one that the present rules answer)")
	return c
}

func (a *app) conversationsErase() *cobra.Command {
	var yes bool
	c := a.aboutOne("erase", "Remove every trace of a customer", func(ctx context.Context, name string) error {
		if !yes {
			who, err := a.whoIs(ctx, name)
			if err != nil {
				return err
			}
			if err := a.confirm(yes, fmt.Sprintf("Every trace of %s (%s) is removed here, messages on their way included. This cannot be undone. Go on?", name, who)); err != nil {
				return err
			}
		}
		answer, err := call(ctx, a, "erase "+name, a.talks().EraseConversation, &adminv1.EraseConversationRequest{Name: name})
		if err != nil {
			return err
		}
		return a.printErased(name, answer)
	})
	c.Long = "Remove every trace of a customer from this system, messages on their way included. What stands in Slack and at KARTE stays there.\nCalling it again is no mistake; it finds nothing then."
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

// whoIs answers the customer of a conversation, for the question.
func (a *app) whoIs(ctx context.Context, name string) (string, error) {
	answer, err := call(ctx, a, "read "+name, a.talks().GetConversation, &adminv1.GetConversationRequest{Name: name})
	if codeOf(err) == codes.NotFound {
		return "nobody that is known (any more)", nil
	}
	if err != nil {
		return "", err
	}
	c := answer.GetConversation()
	return fmt.Sprintf("customer %s, last message %s", orNone(customerOf(c)), orNone(a.print.Stamp(c.GetLastCustomerMessageTime()))), nil
}

func (a *app) printErased(name string, answer *adminv1.EraseConversationResponse) error {
	if a.print.Format != render.Table {
		return a.print.Message(answer)
	}
	var rows [][]string
	for place, count := range answer.GetRemoved() {
		rows = append(rows, []string{place, fmt.Sprint(count)})
	}
	if len(rows) == 0 {
		return a.say("There was nothing of %s.", name)
	}
	slices.SortFunc(rows, slices.Compare[[]string])
	return a.print.Rows([]string{"place", "removed"}, rows)
}
