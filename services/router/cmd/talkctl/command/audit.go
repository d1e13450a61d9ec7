package command

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
)

func (a *app) audit() *cobra.Command {
	return group("audit", "Who did what", a.auditList())
}

func (a *app) auditList() *cobra.Command {
	var list listFlags
	var since time.Duration
	c := &cobra.Command{
		Use: "list", Short: "List every change, also of conversations, and every message sent to a customer, the latest first", Args: cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		Example: "  talkctl audit list --since 24h\n  talkctl audit list --filter 'actor = \"ci\" AND result != \"OK\"'",
		RunE: a.run(func(ctx context.Context, _ []string) error {
			parent, err := a.open()
			if err != nil {
				return err
			}
			filter := list.filter
			if since > 0 {
				filter = both("time >= "+quote(time.Now().Add(-since).UTC().Format(time.RFC3339)), filter)
			}
			found, more, err := pages(ctx, list.limit, func(ctx context.Context, size int32, token string) ([]*adminv1.AuditEntry, string, error) {
				answer, err := call(ctx, a, "list the audit entries of "+parent, adminv1.NewAuditServiceClient(a.conn).ListAuditEntries,
					&adminv1.ListAuditEntriesRequest{Parent: parent, PageSize: size, PageToken: token, Filter: filter})
				return answer.GetAuditEntries(), answer.GetNextPageToken(), err
			})
			if err != nil {
				return err
			}
			return a.printEntries(found, more)
		}),
	}
	list.add(c, "actor, action, resource, result, operator, assignee and time")
	c.Flags().DurationVar(&since, "since", 0, "only what is not older, like 24h")
	return c
}

func (a *app) printEntries(found []*adminv1.AuditEntry, more bool) error {
	type entry = *adminv1.AuditEntry
	return printList(a, found, more, "No entries.",
		column[entry]{"time", func(e entry) string { return a.print.Stamp(e.GetTime()) }},
		column[entry]{"actor", entry.GetActor},
		column[entry]{"action", func(e entry) string { return id(e.GetAction()) }},
		column[entry]{"resource", entry.GetResource},
		column[entry]{"result", entry.GetResult},
		column[entry]{"operator", entry.GetOperator},
		column[entry]{"assignee", entry.GetAssignee},
	)
}
