// Package overview shows the conversations of a project, and the way that each message of them took.
package overview

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/router/conversation"
	"github.com/slacktalk/slacktalk/services/router/listing"
)

// DefaultConsoleURL opens one customer's conversation in KARTE's console. Source: PLAID's sample new-assignment-slack-notification.
const DefaultConsoleURL = "https://admin.karte.io/communication/v2/redirect_from_v1/{user}?project={project}"

// Overview answers what is asked about conversations.
type Overview struct {
	Bus           *bus.Bus
	Conversations *conversation.Store
	Pages         listing.Pages
	// ConsoleURL has {user} and {project} in it, which are replaced percent-encoded; empty is DefaultConsoleURL.
	ConsoleURL string
}

const (
	// chunk is how many conversations are looked at together.
	chunk = 200
	// most bounds how many are looked at for one page: a filter that lets nearly nothing through answers short pages.
	most = 5000
)

// fields can be filtered by.
var fields = []string{"customer", "assignee", "channel", "state", "update_time"}

// List answers a page of a project's conversations.
func (o *Overview) List(ctx context.Context, project string, r *adminv1.ListConversationsRequest) (*adminv1.ListConversationsResponse, error) {
	filter, err := listing.ParseFilter(r.GetFilter(), fields...)
	if err != nil {
		return nil, err
	}
	list := "conversations\x00" + r.GetParent() + "\x00" + r.GetFilter()
	token, err := o.Pages.Open(ctx, list, r.GetPageToken())
	if err != nil {
		return nil, err
	}
	at, _ := conversation.ParseCursor(token) // only what Seal was given comes out of Open
	page := &adminv1.ListConversationsResponse{}
	at, err = o.fill(ctx, project, page, filter, at, listing.Size(r.GetPageSize()))
	if err != nil {
		return nil, err
	}
	page.NextPageToken, err = o.Pages.Seal(ctx, list, at.String())
	return page, err
}

// fill adds up to size conversations behind at that the filter lets through, and answers where it ended.
func (o *Overview) fill(ctx context.Context, project string, page *adminv1.ListConversationsResponse, filter listing.Filter, at conversation.Cursor, size int) (conversation.Cursor, error) {
	for looked := 0; looked < most; looked += chunk {
		listed, end, err := o.Conversations.List(ctx, project, at, chunk)
		if err != nil {
			return at, err
		}
		for i, l := range listed {
			shown := o.show(l)
			if !filter(values(l, shown)) {
				continue
			}
			page.Conversations = append(page.Conversations, shown)
			switch last := i == len(listed)-1; {
			case len(page.Conversations) < size:
			case last:
				return end, nil
			default:
				return l.At, nil
			}
		}
		if at = end; at.String() == "" {
			return at, nil
		}
	}
	return at, nil
}

// values answers what a conversation has in the fields that can be filtered by.
func values(l conversation.Listed, shown *adminv1.Conversation) func(field string) any {
	return func(field string) any {
		switch field {
		case "customer":
			ids := []string{shown.GetUserId(), shown.GetVisitorId()}
			for _, alias := range l.Activity.Aliases {
				ids = append(ids, alias.GetUserId(), alias.GetVisitorId())
			}
			return present(ids)
		case "assignee":
			return shown.GetAssignee()
		case "channel":
			return shown.GetChannel()
		case "state":
			return strings.TrimPrefix(shown.GetState().String(), "CONVERSATION_STATE_")
		case "update_time":
			return l.Activity.Update
		}
		return nil
	}
}

// present leaves out what is empty, which `customer = ""` would find otherwise.
func present(all []string) (some []string) {
	for _, s := range all {
		if s != "" {
			some = append(some, s)
		}
	}
	return some
}

// Get answers one conversation.
func (o *Overview) Get(ctx context.Context, project, id string) (*adminv1.Conversation, error) {
	l, ok, err := o.Conversations.Get(ctx, project, id)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("conversation %s: %w", id, conversation.ErrNotFound)
	}
	return o.show(l), nil
}

// Name is the resource name of a conversation: `projects/{project}/conversations/{conversation}`.
func Name(project, id string) string { return "projects/" + project + "/conversations/" + id }

// ParseName is the reverse of Name for names that keep the rules of the contract; ok is false for others.
func ParseName(name string) (project, id string, ok bool) {
	rest, isProject := strings.CutPrefix(name, "projects/")
	project, id, found := strings.Cut(rest, "/conversations/")
	return project, id, isProject && found && project != "" && id != ""
}

func (o *Overview) show(l conversation.Listed) *adminv1.Conversation {
	record, customer := l.Record, l.Record.GetCustomer()
	shown := &adminv1.Conversation{
		Name: Name(l.Project, l.ID), UserId: customer.GetUserId(), VisitorId: customer.GetVisitorId(), Aliases: int32(len(l.Activity.Aliases)), //nolint:gosec // a customer has few
		Assignee: record.GetAssignee().GetId(), AssigneeName: record.GetAssignee().GetName(), State: state(l.Activity),
		Workspace: l.Activity.Current.Team, Channel: l.Activity.Current.Channel, ThreadTs: l.Activity.Current.TS, Permalink: permalink(l.Activity.Current),
		ConsoleUrl: o.console(l.Project, conversation.CustomerID(customer)), CreateTime: record.GetCreateTime(),
		LastCustomerMessageTime: stamp(l.Activity.Customer), LastOperatorMessageTime: stamp(l.Activity.Operator), UpdateTime: stamp(l.Activity.Update),
		Closed: record.GetStatus() == eventv1.ChatStatus_CHAT_STATUS_CLOSED,
	}
	return shown
}

// state is not known while it is not known who wrote last: of what was written before Redis lost its data only what TALK still has is.
func state(a conversation.Activity) adminv1.ConversationState {
	switch {
	case a.Current.TS == "":
		return adminv1.ConversationState_CONVERSATION_STATE_NEW
	case a.Customer.IsZero() && a.Operator.IsZero():
		return adminv1.ConversationState_CONVERSATION_STATE_UNSPECIFIED
	case a.Customer.After(a.Operator):
		return adminv1.ConversationState_CONVERSATION_STATE_WAITING
	}
	return adminv1.ConversationState_CONVERSATION_STATE_ANSWERED
}

func stamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// permalink opens the thread in Slack's web client, which knows workspace and channel by their ids. Slack's own permalinks have the workspace's
// domain in them, which only Slack can tell.
func permalink(t conversation.Thread) string {
	if t.TS == "" {
		return ""
	}
	return "https://app.slack.com/client/" + t.Team + "/" + t.Channel + "/thread/" + t.Channel + "-" + t.TS
}

func (o *Overview) console(project, customer string) string {
	template := o.ConsoleURL
	if template == "" {
		template = DefaultConsoleURL
	}
	if customer == "" {
		return ""
	}
	return strings.NewReplacer("{user}", encode(customer), "{project}", encode(project)).Replace(template)
}

// encode percent-encodes s so that it can stand in a path segment as well as in a query.
func encode(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
