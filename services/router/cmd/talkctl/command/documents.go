package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"sigs.k8s.io/yaml"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/cmd/talkctl/render"
)

func (a *app) export() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "export", Short: "Write the settings, links and saved replies of the project as one document", Args: cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		Long:    "Write the settings, all links and all saved replies of the project as one document, for `talkctl import`: YAML, or JSON with --output json.",
		Example: "  talkctl export --file demo.yaml",
		RunE: a.run(func(ctx context.Context, _ []string) error {
			document, err := a.document(ctx)
			if err != nil {
				return err
			}
			return a.writeDocument(file, document)
		}),
	}
	c.Flags().StringVar(&file, "file", "", "write it to this file instead of the standard output")
	return c
}

// writeDocument writes a document of YAML to a file, or to the standard output where none is named, in the form that --output asks for.
func (a *app) writeDocument(file string, document []byte) error {
	if a.print.Format == render.JSON {
		var err error
		if document, err = jsonOf(document); err != nil {
			return err
		}
	}
	if file == "" || file == "-" {
		_, err := a.Out.Write(document)
		return err
	}
	if err := os.WriteFile(file, document, 0o600); err != nil {
		return fmt.Errorf("write the document: %w", err)
	}
	return nil
}

func jsonOf(document []byte) ([]byte, error) {
	raw, err := yaml.YAMLToJSON(document)
	if err != nil {
		return nil, fmt.Errorf("read the exported document: %w", err)
	}
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		return nil, fmt.Errorf("read the exported document: %w", err)
	}
	raw, err = json.MarshalIndent(value, "", "  ")
	return append(raw, '\n'), err
}

func (a *app) document(ctx context.Context) ([]byte, error) {
	parent, err := a.open()
	if err != nil {
		return nil, err
	}
	answer, err := call(ctx, a, "export "+parent, a.client().ExportProject, &settingsv1.ExportProjectRequest{Name: parent})
	return answer.GetDocument(), err
}

func (a *app) importDocument() *cobra.Command {
	var dryRun, yes bool
	c := &cobra.Command{
		Use:   "import FILE",
		Short: "Replace the settings, links and saved replies of the project by those of a document",
		Long: `Replace the settings, all links and all saved replies of the project by those of a document that ` + "`talkctl export`" + ` wrote, all or
nothing; saved replies stay if the document has none. What would change is shown first, and confirmed. --dry-run ends there; the router's own rules are looked at only by the real import.
FILE may be - for the standard input.`,
		Example: "  talkctl import demo.yaml --dry-run",
		Args:    cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			raw, err := a.read(args[0])
			if err != nil {
				return usage(err)
			}
			return a.replace(ctx, args[0], raw, dryRun, yes)
		}),
	}
	c.Flags().BoolVar(&dryRun, "dry-run", false, "only show what would change")
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

// replace shows what a document changes and, once that is confirmed, imports it.
func (a *app) replace(ctx context.Context, file string, raw []byte, dryRun, yes bool) error {
	wanted, err := canonical(raw)
	if err != nil {
		return usage(fmt.Errorf("%s: %w", file, err))
	}
	present, err := a.document(ctx)
	if err != nil {
		return err
	}
	now, err := canonical(present)
	if err != nil {
		return fmt.Errorf("read the exported document: %w", err)
	}
	parent, err := a.parent()
	if err != nil {
		return err
	}
	diff := udiff.Unified(parent, file, now, wanted)
	if dryRun {
		return a.printDiff(diff)
	}
	if diff == "" {
		a.note("Nothing to change: %s is like this already.", parent)
		return nil
	}
	if !yes {
		fmt.Fprint(a.Err, a.coloured(diff))
		if err := a.confirm(yes, "Replace the settings, links and saved replies of "+parent+"?"); err != nil {
			return err
		}
	}
	answer, err := call(ctx, a, "import "+parent, a.client().ImportProject, &settingsv1.ImportProjectRequest{Name: parent, Document: raw})
	if err != nil {
		return err
	}
	if a.print.Format != render.Table {
		return a.print.Message(answer)
	}
	return a.say("%s is imported: its settings and %s.", parent, count(int(answer.GetOperatorLinks()), "link", "links"))
}

func (a *app) printDiff(diff string) error {
	if a.print.Format != render.Table {
		return a.print.Value(map[string]any{"changed": diff != "", "diff": diff})
	}
	if diff == "" {
		a.note("Nothing would change.")
		return nil
	}
	_, err := fmt.Fprint(a.Out, a.coloured(diff))
	return err
}

func (a *app) coloured(diff string) string {
	var out strings.Builder
	for line := range strings.Lines(render.Clean(diff, "\n")) {
		text, _ := strings.CutSuffix(line, "\n")
		switch text[:min(1, len(text))] {
		case "+":
			text = a.print.Paint(render.Green, text)
		case "-":
			text = a.print.Paint(render.Red, text)
		}
		out.WriteString(text + "\n")
	}
	return out.String()
}

// parts of a document, as ExportProject writes it.
type parts struct {
	TeamSettings  json.RawMessage   `json:"teamSettings"`
	OperatorLinks []json.RawMessage `json:"operatorLinks"`
	// SavedReplies are nil in a document of an earlier version, which leaves them as they are.
	SavedReplies []json.RawMessage `json:"savedReplies,omitempty"`
}

// canonical answers a document in one way of writing it, without what the server writes itself, so that two can be compared.
func canonical(document []byte) (string, error) {
	var given parts
	if err := yaml.UnmarshalStrict(document, &given); err != nil {
		return "", fmt.Errorf("is not a document of `talkctl export`: %w", err)
	}
	if len(given.TeamSettings) == 0 {
		return "", errors.New("is not a document of `talkctl export`: it has no teamSettings")
	}
	team := &settingsv1.TeamSettings{}
	if err := protojson.Unmarshal(given.TeamSettings, team); err != nil {
		return "", fmt.Errorf("teamSettings: %w", err)
	}
	team.Etag, team.UpdateTime = "", nil
	links := []*settingsv1.OperatorLink{}
	for i, raw := range given.OperatorLinks {
		link := &settingsv1.OperatorLink{}
		if err := protojson.Unmarshal(raw, link); err != nil {
			return "", fmt.Errorf("operatorLinks[%d]: %w", i, err)
		}
		link.Etag, link.UpdateTime = "", nil
		links = append(links, link)
	}
	slices.SortFunc(links, func(a, b *settingsv1.OperatorLink) int { return strings.Compare(a.GetName(), b.GetName()) })
	replies, err := canonicalReplies(given.SavedReplies)
	if err != nil {
		return "", err
	}
	same := parts{OperatorLinks: []json.RawMessage{}, SavedReplies: replies}
	if same.TeamSettings, err = plain(team); err != nil {
		return "", err
	}
	for _, link := range links {
		raw, err := plain(link)
		if err != nil {
			return "", err
		}
		same.OperatorLinks = append(same.OperatorLinks, raw)
	}
	out, err := yaml.Marshal(same)
	return string(out), err
}

// canonicalReplies answers saved replies by name, without what the server writes itself.
func canonicalReplies(parts []json.RawMessage) (same []json.RawMessage, err error) {
	replies := []*settingsv1.SavedReply{}
	for i, raw := range parts {
		reply := &settingsv1.SavedReply{}
		if err := protojson.Unmarshal(raw, reply); err != nil {
			return nil, fmt.Errorf("savedReplies[%d]: %w", i, err)
		}
		replies = append(replies, reply)
	}
	return repliesByName(replies)
}

// repliesByName writes saved replies in the order of their names, without what the server writes itself; nil when there are none.
func repliesByName(replies []*settingsv1.SavedReply) (parts []json.RawMessage, err error) {
	for _, r := range slices.SortedFunc(slices.Values(replies), func(a, b *settingsv1.SavedReply) int { return strings.Compare(a.GetName(), b.GetName()) }) {
		r = proto.CloneOf(r)
		r.Etag, r.UpdateTime = "", nil
		raw, err := plain(r)
		if err != nil {
			return nil, err
		}
		parts = append(parts, raw)
	}
	return parts, nil
}

// plain answers a message as JSON without its defaults.
func plain(m proto.Message) (json.RawMessage, error) {
	return protojson.Marshal(m)
}
