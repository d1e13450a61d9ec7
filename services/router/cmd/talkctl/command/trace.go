package command

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	"github.com/slacktalk/slacktalk/services/router/cmd/talkctl/render"
)

func (a *app) conversationsTrace() *cobra.Command {
	var list listFlags
	var message string
	c := a.aboutOne("trace", "Show the way of every message of a conversation, hop by hop", func(ctx context.Context, name string) error {
		found, more, err := pages(ctx, list.limit, func(ctx context.Context, size int32, token string) ([]*adminv1.MessageTrace, string, error) {
			answer, err := call(ctx, a, "trace "+name, a.talks().TraceConversation,
				&adminv1.TraceConversationRequest{Name: name, Message: message, PageSize: size, PageToken: token})
			return answer.GetMessages(), answer.GetNextPageToken(), err
		})
		if err != nil {
			return err
		}
		return a.printTraces(found, more)
	})
	c.Long = "Show the way of every message of a conversation that is still known (96 hours at most), the latest first, with each hop it took.\nThe times beside each hop are since the first one."
	c.Flags().StringVar(&message, "message", "", "only the message with this id: of a KARTE hook, or a Slack ts")
	list.add(c, "")
	return c
}

func (a *app) printTraces(found []*adminv1.MessageTrace, more bool) error {
	if a.print.Format != render.Table || len(found) == 0 {
		return printList(a, found, more, "No message is known (any more).")
	}
	if more {
		a.note("There are more than these %d; --limit 0 lists all.", len(found))
	}
	var rows [][]string
	for _, trace := range found {
		kind, message := trace.GetKind(), trace.GetId()
		for _, hop := range trace.GetHops() {
			rows = append(rows, []string{kind, message, hop.GetStep(), a.print.Stamp(hop.GetTime()), since(trace.GetHops()[0].GetTime(), hop.GetTime()), hop.GetPlace(), hop.GetDetail()})
			kind, message = " ", " " // once for each message
		}
	}
	return a.print.Rows([]string{"kind", "message", "step", "time", "after", "place", "detail"}, rows)
}

// since answers how much later a hop was than the first one.
func since(first, at *timestamppb.Timestamp) string {
	if first == nil || at == nil {
		return ""
	}
	return fmt.Sprint(at.AsTime().Sub(first.AsTime()).Round(time.Millisecond))
}
