package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aymanbagabas/go-udiff"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"sigs.k8s.io/yaml"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// savedFile is a file of saved replies; the document of `talkctl export` has the same part.
type savedFile struct {
	SavedReplies []json.RawMessage `json:"savedReplies"`
}

func (a *app) savedExport() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "export", Short: "Write the saved replies as one document", Args: cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		Long:    "Write all saved replies as one document, for `talkctl saved-replies import`: YAML, or JSON with --output json.",
		Example: "  talkctl saved-replies export --file replies.yaml",
		RunE: a.run(func(ctx context.Context, _ []string) error {
			present, err := a.allSaved(ctx)
			if err != nil {
				return err
			}
			document, err := savedDocument(present)
			if err != nil {
				return err
			}
			return a.writeDocument(file, document)
		}),
	}
	c.Flags().StringVar(&file, "file", "", "write it to this file instead of the standard output")
	return c
}

func (a *app) allSaved(ctx context.Context) ([]*settingsv1.SavedReply, error) {
	parent, err := a.open()
	if err != nil {
		return nil, err
	}
	all, _, err := pages(ctx, 0, a.savedOf(parent, ""))
	return all, err
}

// savedDocument writes saved replies by name, without what the server writes itself, so that two documents can be compared.
func savedDocument(replies []*settingsv1.SavedReply) ([]byte, error) {
	parts, err := repliesByName(replies)
	if err != nil {
		return nil, err
	}
	// A document without any says so, with an empty list.
	return yaml.Marshal(savedFile{SavedReplies: append([]json.RawMessage{}, parts...)})
}

func (a *app) savedImport() *cobra.Command {
	var dryRun, yes, replace bool
	c := &cobra.Command{
		Use:   "import FILE",
		Short: "Add and change saved replies as a document says",
		Long: `Add and change saved replies as a document says that ` + "`talkctl saved-replies export`" + ` wrote; others stay, unless --replace removes them. What would
change is shown first, and confirmed. --dry-run ends there; the router's own rules are looked at only by the real import, one after the other: what fails is
told, and the same import once more does what is left. Names may be of another project, or ids alone. FILE may be - for the standard input.`,
		Example: "  talkctl saved-replies import replies.yaml --dry-run",
		Args:    cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			raw, err := a.read(args[0])
			if err != nil {
				return usage(err)
			}
			present, err := a.allSaved(ctx)
			if err != nil {
				return err
			}
			wanted, err := a.readSaved(raw)
			if err != nil {
				return usage(fmt.Errorf("%s: %w", args[0], err))
			}
			return a.importSaved(ctx, args[0], present, wanted, savedChoice{dryRun: dryRun, yes: yes, replace: replace})
		}),
	}
	c.Flags().BoolVar(&dryRun, "dry-run", false, "only show what would change")
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	c.Flags().BoolVar(&replace, "replace", false, "remove the saved replies that the document does not have")
	return c
}

type savedChoice struct{ dryRun, yes, replace bool }

// readSaved reads a document, and makes its saved replies the project's.
func (a *app) readSaved(raw []byte) ([]*settingsv1.SavedReply, error) {
	var file savedFile
	if err := yaml.UnmarshalStrict(raw, &file); err != nil {
		return nil, fmt.Errorf("is not a document of `talkctl saved-replies export`: %w", err)
	}
	if file.SavedReplies == nil {
		return nil, errors.New("is not a document of `talkctl saved-replies export`: it has no savedReplies")
	}
	var replies []*settingsv1.SavedReply
	seen := map[string]bool{}
	for i, raw := range file.SavedReplies {
		reply := &settingsv1.SavedReply{}
		if err := protojson.Unmarshal(raw, reply); err != nil {
			return nil, fmt.Errorf("savedReplies[%d]: %w", i, err)
		}
		name, err := a.name(savedRepliesCollection, id(reply.GetName()))
		if err != nil {
			return nil, fmt.Errorf("savedReplies[%d]: %w", i, err)
		}
		if seen[name] {
			return nil, fmt.Errorf("savedReplies[%d]: %s is there twice", i, id(name))
		}
		seen[name] = true
		replies = append(replies, &settingsv1.SavedReply{Name: name, Title: reply.GetTitle(), Text: reply.GetText()})
	}
	return replies, nil
}

// importSaved shows what a document changes and, once that is confirmed, does it.
func (a *app) importSaved(ctx context.Context, file string, present, wanted []*settingsv1.SavedReply, ch savedChoice) error {
	if !ch.replace {
		for _, p := range present {
			if savedNamed(wanted, p.GetName()) == nil {
				wanted = append(wanted, p)
			}
		}
	}
	now, err := savedDocument(present)
	if err != nil {
		return err
	}
	then, err := savedDocument(wanted)
	if err != nil {
		return err
	}
	diff := udiff.Unified("saved replies", file, string(now), string(then))
	switch {
	case ch.dryRun:
		return a.printDiff(diff)
	case diff == "":
		a.note("Nothing to change: the saved replies are like this already.")
		return nil
	case !ch.yes:
		fmt.Fprint(a.Err, a.coloured(diff))
		if err := a.confirm(false, "Change the saved replies like this?"); err != nil {
			return err
		}
	}
	names, do := a.savedChanges(present, wanted)
	return a.each(ctx, names, "import", do)
}

// savedNamed answers the one of a name; nil when there is none.
func savedNamed(replies []*settingsv1.SavedReply, name string) *settingsv1.SavedReply {
	for _, r := range replies {
		if r.GetName() == name {
			return r
		}
	}
	return nil
}

// savedChanges answers whose turn it is, and what is done then: only what differs is changed, and only if it is still as it was read.
func (a *app) savedChanges(present, wanted []*settingsv1.SavedReply) (names []string, do func(context.Context, string) (string, error)) {
	for _, w := range wanted {
		if p := savedNamed(present, w.GetName()); p.GetTitle() != w.GetTitle() || p.GetText() != w.GetText() {
			names = append(names, w.GetName())
		}
	}
	for _, p := range present {
		if savedNamed(wanted, p.GetName()) == nil {
			names = append(names, p.GetName())
		}
	}
	return names, func(ctx context.Context, name string) (string, error) {
		before, after := savedNamed(present, name), savedNamed(wanted, name)
		switch {
		case after == nil:
			_, err := call(ctx, a, "remove "+name, a.saved().DeleteSavedReply, &settingsv1.DeleteSavedReplyRequest{Name: name, Etag: before.GetEtag()})
			return "is removed", err
		case before == nil:
			parent, _, _ := strings.Cut(name, "/"+savedRepliesCollection+"/")
			_, err := call(ctx, a, "add "+name, a.saved().CreateSavedReply, &settingsv1.CreateSavedReplyRequest{Parent: parent, SavedReply: after, SavedReplyId: id(name)})
			return "is added", err
		}
		after.Etag = before.GetEtag()
		_, err := call(ctx, a, "change "+name, a.saved().UpdateSavedReply, &settingsv1.UpdateSavedReplyRequest{SavedReply: after, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"title", "text"}}})
		return "is changed", err
	}
}
