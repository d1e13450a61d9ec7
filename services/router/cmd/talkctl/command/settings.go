package command

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/cmd/talkctl/fields"
	"github.com/slacktalk/slacktalk/services/router/cmd/talkctl/render"
)

var teamFields = (*settingsv1.TeamSettings)(nil).ProtoReflect().Descriptor()

func (a *app) settings() *cobra.Command {
	get := &cobra.Command{
		Use: "get", Short: "Show the settings of the project", Args: cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: a.run(func(ctx context.Context, _ []string) error {
			team, err := a.team(ctx)
			if err != nil {
				return err
			}
			if team.GetUpdateTime() == nil && a.print.Format == render.Table {
				a.note("Nobody has made settings for %s yet; these are the defaults, with everything off.", strings.TrimSuffix(team.GetName(), "/teamSettings"))
			}
			return a.printFields(team)
		}),
	}
	return group("settings", "Settings of the project", get, a.settingsSet(), a.settingsWatch())
}

func (a *app) client() settingsv1.SettingsServiceClient {
	return settingsv1.NewSettingsServiceClient(a.conn)
}

// open connects and answers `projects/{project}`.
func (a *app) open() (string, error) {
	if err := a.connect(true); err != nil {
		return "", err
	}
	return a.parent()
}

func (a *app) team(ctx context.Context) (*settingsv1.TeamSettings, error) {
	parent, err := a.open()
	if err != nil {
		return nil, err
	}
	answer, err := call(ctx, a, "read the settings of "+parent, a.client().GetTeamSettings, &settingsv1.GetTeamSettingsRequest{Name: parent + "/teamSettings"})
	return answer.GetTeamSettings(), err
}

// printFields writes one message: a row for each of its fields, for people.
func (a *app) printFields(m proto.Message) error {
	if a.print.Format != render.Table {
		return a.print.Message(m)
	}
	var rows [][]string
	all := m.ProtoReflect().Descriptor().Fields()
	for i := range all.Len() {
		rows = append(rows, []string{string(all.Get(i).Name()), a.show(m, all.Get(i))})
	}
	return a.print.Rows([]string{"field", "value"}, rows)
}

func (a *app) show(m proto.Message, field protoreflect.FieldDescriptor) string {
	return fields.Show(m.ProtoReflect(), field, a.print.Time)
}

// changes are the settings to be changed: the wanted values and which fields they are of.
type changes struct {
	wanted *settingsv1.TeamSettings
	named  []protoreflect.FieldDescriptor
}

func (a *app) settingsSet() *cobra.Command {
	var file, etag string
	c := &cobra.Command{
		Use:   "set FIELD=VALUE... | --file FILE",
		Short: "Change settings of the project",
		Long: `Change settings of the project. Several ids are separated by commas, nothing after the = sets the default, @file takes what a
file holds, and rules, groups and the like are written as JSON or YAML. A file has the fields to change, as ` + "`settings get -o yaml`" + ` shows
them; the others stay.

The change is refused when somebody else has changed the settings since they were read: by this command, or, where the file holds
an etag, when the file was written.

The fields: ` + strings.Join(settable(), ", ") + `.`,
		Example: `  talkctl settings set channel=C0SUPPORT notifications_enabled=true
  talkctl settings set mention_policy=targets mention_targets=U0DEMO1,S0DEMO1
  talkctl settings set 'routing_rules=[{"page_host":"shop.example.com","channel":"C0SHOP"}]'
  talkctl settings set mention_quiet_period=10m mention_directly=true
  talkctl settings set 'unanswered={remind_after: 600s, escalate_after: 1800s, escalation_targets: [S0LEADS]}'
  talkctl settings get -o yaml >team.yaml; $EDITOR team.yaml; talkctl settings set --file team.yaml`,
		ValidArgsFunction: completeAssignment,
		RunE: a.run(func(ctx context.Context, args []string) error {
			if (len(args) == 0) == (file == "") {
				return usage(errors.New("give either FIELD=VALUE or --file"))
			}
			given, err := a.changes(args, file)
			if err != nil {
				return usage(err)
			}
			if etag != "" {
				given.wanted.Etag = etag
			}
			return a.setTeam(ctx, given)
		}),
	}
	c.Flags().StringVar(&file, "file", "", "YAML or JSON with the fields to change; - is the standard input")
	c.Flags().StringVar(&etag, "etag", "", "change them only if they still have this etag (default: that of a read just before)")
	return c
}

func settable() []string {
	var names []string
	for _, field := range fields.Settable(teamFields) {
		names = append(names, string(field.Name()))
	}
	return names
}

// changes reads what is to be changed.
func (a *app) changes(args []string, file string) (changes, error) {
	given := changes{wanted: &settingsv1.TeamSettings{}}
	if file != "" {
		raw, err := a.read(file)
		if err != nil {
			return given, err
		}
		if given.named, err = fields.Document(raw, given.wanted); err != nil {
			return given, fmt.Errorf("%s: %w", file, err)
		}
		if len(given.named) == 0 {
			return given, fmt.Errorf("%s names no field to change", file)
		}
		return given, nil
	}
	for _, arg := range args {
		name, value, ok := strings.Cut(arg, "=")
		if !ok {
			return given, fmt.Errorf("%q is not FIELD=VALUE", arg)
		}
		field, err := fields.Find(teamFields, name)
		if err != nil {
			return given, err
		}
		if err := fields.Set(given.wanted, field, value, a.read); err != nil {
			return given, err
		}
		given.named = append(given.named, field)
	}
	return given, nil
}

// setTeam makes the changes that are any and tells them.
func (a *app) setTeam(ctx context.Context, given changes) error {
	before, err := a.team(ctx)
	if err != nil {
		return err
	}
	if of := given.wanted.GetName(); of != "" && of != before.GetName() {
		return usage(fmt.Errorf("the file is of %s, not of %s", of, before.GetName()))
	}
	request := &settingsv1.UpdateTeamSettingsRequest{TeamSettings: given.wanted, UpdateMask: &fieldmaskpb.FieldMask{}}
	for _, field := range given.named {
		if !given.wanted.ProtoReflect().Get(field).Equal(before.ProtoReflect().Get(field)) {
			request.UpdateMask.Paths = append(request.UpdateMask.Paths, string(field.Name()))
		}
	}
	given.wanted.Name = before.GetName()
	if given.wanted.GetEtag() == "" {
		given.wanted.Etag = before.GetEtag()
	}
	if len(request.GetUpdateMask().GetPaths()) == 0 {
		a.note("Nothing to change: the settings are like this already.")
		return a.printChanges(before, before)
	}
	answer, err := call(ctx, a, "change "+before.GetName(), a.client().UpdateTeamSettings, request)
	if err != nil {
		return err
	}
	return a.printChanges(before, answer.GetTeamSettings())
}

// printChanges shows people what is different, and programs the settings.
func (a *app) printChanges(before, after *settingsv1.TeamSettings) error {
	if a.print.Format != render.Table {
		return a.print.Message(after)
	}
	var rows [][]string
	for _, field := range fields.Settable(teamFields) {
		if was, is := a.show(before, field), a.show(after, field); was != is {
			rows = append(rows, []string{string(field.Name()), was, is})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return a.print.Rows([]string{"field", "before", "now"}, rows)
}
