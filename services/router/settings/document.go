package settings

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"

	goyaml "go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"sigs.k8s.io/yaml"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// document is a project as one file: its parts in protobuf's JSON form, written as YAML. Documents of earlier versions have no saved replies: those that are there stay.
type document struct {
	TeamSettings  json.RawMessage   `json:"teamSettings"`
	OperatorLinks []json.RawMessage `json:"operatorLinks"`
	SavedReplies  []json.RawMessage `json:"savedReplies"`
}

// Export answers the settings and all links of a project, as they are at one moment, as a YAML document for Import. Etags are
// left out: they mean nothing anywhere else.
func (s *Store) Export(ctx context.Context, project string) ([]byte, error) {
	team, links, err := s.snapshot(ctx, project)
	if err != nil {
		return nil, err
	}
	team.Etag = ""
	doc := document{OperatorLinks: []json.RawMessage{}, SavedReplies: []json.RawMessage{}}
	if doc.TeamSettings, err = toPart(team); err != nil {
		return nil, fmt.Errorf("export settings of project %s: %w", project, err)
	}
	for _, link := range links {
		link.Etag = ""
		raw, err := toPart(link)
		if err != nil {
			return nil, fmt.Errorf("export link %s: %w", link.GetName(), err)
		}
		doc.OperatorLinks = append(doc.OperatorLinks, raw)
	}
	replies, err := s.SavedReplies(ctx, project, "")
	if err != nil {
		return nil, err
	}
	for _, reply := range replies {
		reply.Etag = ""
		raw, err := toPart(reply)
		if err != nil {
			return nil, fmt.Errorf("export saved reply %s: %w", reply.GetName(), err)
		}
		doc.SavedReplies = append(doc.SavedReplies, raw)
	}
	return yaml.Marshal(doc)
}

// Import replaces the settings and all links of a project by those of a document of Export, in one script. The document
// must be of this project and keep every rule a call would have to keep; otherwise the error matches ErrInvalid and nothing was
// changed. All etags are new afterwards. It answers the settings as stored and how many links there are.
func (s *Store) Import(ctx context.Context, project string, raw []byte) (*settingsv1.TeamSettings, int, error) {
	team, links, replies, err := parseDocument(project, raw)
	if err != nil {
		return nil, 0, fmt.Errorf("import project %s: %w", project, err)
	}
	s.stampTeam(project, team)
	settings, err := encode(team)
	if err != nil {
		return nil, 0, err
	}
	args := []any{settings, changes, project, len(links)}
	for operator, link := range links {
		value, err := encode(s.stampLink(link))
		if err != nil {
			return nil, 0, err
		}
		args = append(args, operator, value, link.GetSlackMember())
	}
	if args, err = s.withReplies(args, replies); err != nil {
		return nil, 0, err
	}
	if err := s.enter(ctx, project); err != nil {
		return nil, 0, err
	}
	_, err = s.run(ctx, "import project "+project, replaceAll, []string{TeamKey(project), LinksKey(project), MembersKey(project), SavedRepliesKey(project)}, args...)
	return team, len(links), err
}

// withReplies adds what replaceAll is told of the saved replies; nil leaves those that there are.
func (s *Store) withReplies(args []any, replies map[string]*settingsv1.SavedReply) ([]any, error) {
	if replies == nil {
		return append(args, "keep"), nil
	}
	args = append(args, "replace")
	for id, reply := range replies {
		reply.Etag, reply.UpdateTime = newEtag(), timestamppb.New(s.now())
		value, err := encode(reply)
		if err != nil {
			return nil, err
		}
		args = append(args, id, value)
	}
	return args, nil
}

// snapshot reads everything of a project in one transaction, links by operator id.
func (s *Store) snapshot(
	ctx context.Context, project string,
) (*settingsv1.TeamSettings, []*settingsv1.OperatorLink, error) {
	pipe := s.redis.TxPipeline()
	// The team comes last: its absence is the one error that may hide another.
	rawLinks, rawTeam := pipe.HGetAll(ctx, LinksKey(project)), pipe.Get(ctx, TeamKey(project))
	err := s.step(ctx, "export project "+project, func(ctx context.Context) error {
		_, err := pipe.Exec(ctx)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	team := &settingsv1.TeamSettings{}
	if err := decode(rawTeam.Val(), team); err != nil {
		return nil, nil, err
	}
	team.Name = TeamName(project)
	var links []*settingsv1.OperatorLink
	for operator, raw := range rawLinks.Val() {
		link := &settingsv1.OperatorLink{}
		if err := decode(raw, link); err != nil {
			return nil, nil, err
		}
		link.Name = LinkName(project, operator)
		links = append(links, link)
	}
	slices.SortFunc(links, func(a, b *settingsv1.OperatorLink) int { return strings.Compare(a.GetName(), b.GetName()) })
	return team, links, nil
}

// parseDocument answers the settings, the links by operator and the saved replies by id, nil when it has none, of a document that keeps all rules.
func parseDocument(project string, raw []byte) (*settingsv1.TeamSettings, map[string]*settingsv1.OperatorLink, map[string]*settingsv1.SavedReply, error) {
	if err := refuseAliases(raw); err != nil {
		return nil, nil, nil, err
	}
	var doc document
	if err := yaml.UnmarshalStrict(raw, &doc); err != nil {
		return nil, nil, nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	team := &settingsv1.TeamSettings{}
	if err := parsePart(doc.TeamSettings, team); err != nil {
		return nil, nil, nil, fmt.Errorf("teamSettings: %w", err)
	}
	if err := CheckTeam(team); err != nil {
		return nil, nil, nil, fmt.Errorf("teamSettings: %w", err)
	}
	if team.GetName() != TeamName(project) {
		return nil, nil, nil, fmt.Errorf("%w: document is of %s", ErrInvalid, team.GetName())
	}
	links, err := parseLinks(project, doc.OperatorLinks)
	if err != nil {
		return nil, nil, nil, err
	}
	replies, err := parseReplies(project, doc.SavedReplies)
	return team, links, replies, err
}

func parseReplies(project string, parts []json.RawMessage) (map[string]*settingsv1.SavedReply, error) {
	if parts == nil {
		return nil, nil
	}
	if len(parts) > MaxSavedReplies {
		return nil, fmt.Errorf("savedReplies: %w: more than %d", ErrInvalid, MaxSavedReplies)
	}
	replies := map[string]*settingsv1.SavedReply{}
	for i, part := range parts {
		reply := &settingsv1.SavedReply{}
		if err := parsePart(part, reply); err != nil {
			return nil, fmt.Errorf("savedReplies[%d]: %w", i, err)
		}
		if err := checkSavedReply(reply); err != nil {
			return nil, fmt.Errorf("savedReplies[%d]: %w", i, err)
		}
		in, id, err := ParseSavedReplyName(reply.GetName())
		if err != nil {
			return nil, fmt.Errorf("savedReplies[%d]: %w", i, err)
		}
		if in != project || replies[id] != nil {
			return nil, fmt.Errorf("savedReplies[%d]: %w: other project, or named twice", i, ErrInvalid)
		}
		replies[id] = reply
	}
	return replies, nil
}

// refuseAliases refuses YAML aliases, which Export never writes: each would be written out on the way to JSON, so that a few kilobytes could fill
// the memory of the router, which all projects share.
func refuseAliases(raw []byte) error {
	var root goyaml.Node
	if err := goyaml.Unmarshal(raw, &root); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if hasAlias(&root) {
		return fmt.Errorf("%w: the document has a YAML alias (*name); write its value out", ErrInvalid)
	}
	return nil
}

func hasAlias(node *goyaml.Node) bool {
	return node.Kind == goyaml.AliasNode || slices.ContainsFunc(node.Content, hasAlias)
}

func parseLinks(project string, parts []json.RawMessage) (map[string]*settingsv1.OperatorLink, error) {
	links, members := map[string]*settingsv1.OperatorLink{}, map[string]bool{}
	for i, part := range parts {
		link := &settingsv1.OperatorLink{}
		if err := parsePart(part, link); err != nil {
			return nil, fmt.Errorf("operatorLinks[%d]: %w", i, err)
		}
		if err := Check(link); err != nil {
			return nil, fmt.Errorf("operatorLinks[%d]: %w", i, err)
		}
		in, operator, err := ParseLinkName(link.GetName())
		if err != nil {
			return nil, fmt.Errorf("operatorLinks[%d]: %w", i, err)
		}
		if in != project || links[operator] != nil || members[link.GetSlackMember()] {
			return nil, fmt.Errorf("operatorLinks[%d]: %w: other project, or operator or member named twice", i, ErrInvalid)
		}
		links[operator], members[link.GetSlackMember()] = link, true
	}
	return links, nil
}

// toPart answers a message as JSON in which everything is escaped that YAML does not allow, or takes for a line break: it stands in strings alone.
func toPart(m proto.Message) (json.RawMessage, error) {
	raw, err := protojson.Marshal(m)
	if err != nil {
		return nil, err
	}
	var part bytes.Buffer
	for _, r := range string(raw) {
		if unicode.IsControl(r) || r == '\ufffe' || r == '\uffff' {
			fmt.Fprintf(&part, `\u%04x`, r)
		} else {
			part.WriteRune(r)
		}
	}
	return part.Bytes(), nil
}

// parsePart is the inverse of toPart.
func parsePart(raw json.RawMessage, m proto.Message) error {
	if err := protojson.Unmarshal(raw, m); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return nil
}
