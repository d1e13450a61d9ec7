package command

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/cmd/talkctl/render"
)

const operatorsCollection = "operators"

func (a *app) operators() *cobra.Command {
	return group("operators", "KARTE's operators and the Slack members they are linked to", a.operatorsList(), a.operatorsLink(), a.operatorsUnlink())
}

func (a *app) operatorsList() *cobra.Command {
	var list listFlags
	var onlyLinks bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List KARTE's operators with whom they are linked to",
		Long: `List KARTE's operators with whom they are linked to. While KARTE does not answer, only those that are linked are listed, and that is
said. --links lists only the links, --filter some of them.`,
		Example: "  talkctl operators list\n  talkctl operators list --filter 'slack_member = \"U0DEMO1\"'",
		Args:    cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: a.run(func(ctx context.Context, _ []string) error {
			parent, err := a.open()
			if err != nil {
				return err
			}
			if onlyLinks || list.filter != "" {
				return a.listLinks(ctx, parent, list)
			}
			return a.listOperators(ctx, parent, list)
		}),
	}
	list.add(c, "slack_member, display_name and operator (implies --links)")
	c.Flags().BoolVar(&onlyLinks, "links", false, "only the links, without asking KARTE")
	return c
}

func (a *app) listLinks(ctx context.Context, parent string, list listFlags) error {
	links, more, err := pages(ctx, list.limit, a.linksOf(parent, list.filter))
	if err != nil {
		return err
	}
	return printList(a, links, more, "No operator is linked.",
		column[*settingsv1.OperatorLink]{"operator", func(l *settingsv1.OperatorLink) string { return id(l.GetName()) }},
		column[*settingsv1.OperatorLink]{"name", (*settingsv1.OperatorLink).GetDisplayName},
		column[*settingsv1.OperatorLink]{"slack member", (*settingsv1.OperatorLink).GetSlackMember},
		column[*settingsv1.OperatorLink]{"linked", func(l *settingsv1.OperatorLink) string { return a.print.Stamp(l.GetUpdateTime()) }},
	)
}

func (a *app) listOperators(ctx context.Context, parent string, list listFlags) error {
	operators, more, err := pages(ctx, list.limit, a.operatorsOf(parent))
	if codeOf(err) == codes.Unavailable {
		links, moreLinks, linksErr := pages(ctx, list.limit, a.linksOf(parent, ""))
		if linksErr != nil {
			return err
		}
		a.note("KARTE does not answer, so only the operators that are linked are listed, under the names they were linked with.")
		operators, more = nil, moreLinks
		for _, l := range links {
			operators = append(operators, &settingsv1.Operator{Name: l.GetName(), DisplayName: l.GetDisplayName(), SlackMember: l.GetSlackMember()})
		}
	} else if err != nil {
		return err
	}
	return printList(a, operators, more, "No operators.",
		column[*settingsv1.Operator]{"operator", func(o *settingsv1.Operator) string { return id(o.GetName()) }},
		column[*settingsv1.Operator]{"name", func(o *settingsv1.Operator) string {
			if o.GetBot() {
				return o.GetDisplayName() + " (bot)"
			}
			return o.GetDisplayName()
		}},
		column[*settingsv1.Operator]{"slack member", (*settingsv1.Operator).GetSlackMember},
	)
}

func (a *app) linksOf(parent, filter string) fetch[*settingsv1.OperatorLink] {
	return func(ctx context.Context, size int32, token string) ([]*settingsv1.OperatorLink, string, error) {
		answer, err := call(ctx, a, "list the links of "+parent, a.client().ListOperatorLinks,
			&settingsv1.ListOperatorLinksRequest{Parent: parent, PageSize: size, PageToken: token, Filter: filter})
		return answer.GetOperatorLinks(), answer.GetNextPageToken(), err
	}
}

func (a *app) operatorsOf(parent string) fetch[*settingsv1.Operator] {
	return func(ctx context.Context, size int32, token string) ([]*settingsv1.Operator, string, error) {
		answer, err := call(ctx, a, "list the operators of "+parent, a.client().ListOperators,
			&settingsv1.ListOperatorsRequest{Parent: parent, PageSize: size, PageToken: token})
		return answer.GetOperators(), answer.GetNextPageToken(), err
	}
}

func (a *app) operatorsLink() *cobra.Command {
	var displayName string
	c := &cobra.Command{
		Use:     "link OPERATOR MEMBER",
		Short:   "Link an operator to a Slack member",
		Long:    "Link an operator to a Slack member, in place of the member they were linked to before.",
		Example: "  talkctl operators link aaaaaaaaaaaaaaaaaaaaaaaa U0DEMO1",
		Args:    cobra.ExactArgs(2), ValidArgsFunction: a.completeFirst(a.operatorIDs),
		RunE: a.run(func(ctx context.Context, args []string) error {
			if err := a.connect(true); err != nil {
				return err
			}
			name, err := a.name(operatorsCollection, args[0])
			if err != nil {
				return err
			}
			return a.link(ctx, &settingsv1.OperatorLink{Name: name, SlackMember: args[1], DisplayName: displayName})
		}),
	}
	c.Flags().StringVar(&displayName, "display-name", "", "for people who read the list (default: as KARTE has it)")
	return c
}

// link sets a link unless it was changed while this looks at it.
func (a *app) link(ctx context.Context, link *settingsv1.OperatorLink) error {
	was, err := call(ctx, a, "read "+link.GetName(), a.client().GetOperatorLink, &settingsv1.GetOperatorLinkRequest{Name: link.GetName()})
	if err != nil && codeOf(err) != codes.NotFound {
		return err
	}
	link.Etag = was.GetOperatorLink().GetEtag()
	if link.GetDisplayName() == "" {
		link.DisplayName = was.GetOperatorLink().GetDisplayName()
	}
	stranger := false
	if link.GetDisplayName() == "" {
		link.DisplayName, stranger = a.nameAtKARTE(ctx, link.GetName())
	}
	answer, err := call(ctx, a, "link "+link.GetName(), a.client().SetOperatorLink, &settingsv1.SetOperatorLinkRequest{OperatorLink: link})
	if err != nil {
		return err
	}
	if stranger {
		a.note("KARTE knows no operator %s. The link is made all the same; `talkctl operators list` shows whom KARTE knows.", id(link.GetName()))
	}
	if a.print.Format != render.Table {
		return a.print.Message(answer.GetOperatorLink())
	}
	before := ""
	if m := was.GetOperatorLink().GetSlackMember(); m != "" && m != link.GetSlackMember() {
		before = ", no longer to " + m
	}
	who := id(link.GetName())
	if link.GetDisplayName() != "" {
		who += " (" + link.GetDisplayName() + ")"
	}
	return a.say("%s is linked to %s%s.", who, link.GetSlackMember(), before)
}

// nameAtKARTE answers the name of an operator, nothing while KARTE does not answer, and whether the operator is a stranger to KARTE.
func (a *app) nameAtKARTE(ctx context.Context, name string) (displayName string, stranger bool) {
	parent := name[:len(name)-len("/"+operatorsCollection+"/"+id(name))]
	operators, _, err := pages(ctx, 0, a.operatorsOf(parent))
	if err != nil {
		return "", false
	}
	i := slices.IndexFunc(operators, func(o *settingsv1.Operator) bool { return o.GetName() == name })
	if i < 0 {
		return "", true
	}
	return operators[i].GetDisplayName(), false
}

func (a *app) operatorsUnlink() *cobra.Command {
	return &cobra.Command{
		Use: "unlink OPERATOR...", Short: "Remove the links of operators", Args: cobra.MinimumNArgs(1), ValidArgsFunction: a.completeAll(a.operatorIDs),
		RunE: a.run(func(ctx context.Context, args []string) error {
			if err := a.connect(true); err != nil {
				return err
			}
			names, err := a.names(operatorsCollection, args)
			if err != nil {
				return err
			}
			return a.each(ctx, names, "unlink", func(ctx context.Context, name string) (string, error) {
				_, err := call(ctx, a, "unlink "+name, a.client().DeleteOperatorLink, &settingsv1.DeleteOperatorLinkRequest{Name: name})
				return "is linked to nobody now", err
			})
		}),
	}
}

// say writes an answer in words.
func (a *app) say(format string, values ...any) error {
	_, err := fmt.Fprintln(a.Out, render.Clean(fmt.Sprintf(format, values...), ""))
	return err
}
