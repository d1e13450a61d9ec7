package deadletter

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/slacktalk/slacktalk/internal/bus"
	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

// described is a letter with what can be told of it.
type described struct {
	letter bus.Letter
	// content is nil when it cannot be decoded.
	content bus.Identified
	// project is empty when it cannot be told, and conversation, its id, and kind, too.
	project, conversation, kind string
}

// describe tells whose a letter is: by its subject, by what the message says, or by the thread that it is about.
func (s *Service) describe(ctx context.Context, letter bus.Letter) (d described, err error) {
	d = described{letter: letter}
	if content, err := bus.Content(letter.DeadLetter); err == nil {
		d.content = content
	}
	parts := strings.Split(letter.GetSubject(), ".")
	switch {
	case letter.GetStream() == bus.Talk && len(parts) == 6:
		err = s.describeTalk(ctx, &d, parts[2], parts[4])
	case letter.GetStream() == bus.Sends && len(parts) == 5:
		d.describeSend(parts[2], parts[3])
	case letter.GetStream() == bus.Slack && len(parts) == 7:
		d.kind = parts[5]
		err = s.describeSlack(ctx, &d, parts[2], parts[3], timestamp(parts[4]))
	case letter.GetStream() == bus.Posts && len(parts) == 4:
		err = s.describePost(ctx, &d)
	}
	if _, invalid := settings.ParseProjectName(settings.ProjectName(d.project)); invalid != nil {
		d.project, d.conversation = "", ""
	}
	if err != nil {
		return d, fmt.Errorf("tell whose letter %d is: %w", letter.Number, err)
	}
	return d, nil
}

func (s *Service) describeTalk(ctx context.Context, d *described, project, kind string) error {
	fact, ok := d.content.(*eventv1.TalkFact)
	d.project, d.kind = projectIn(project, fact.GetProject()), kind
	if !ok {
		return nil
	}
	switch f := fact.GetFact().(type) {
	case *eventv1.TalkFact_ReplyDelivered:
		d.conversation = f.ReplyDelivered.GetConversation()
	case *eventv1.TalkFact_ReplyFailed:
		d.conversation = f.ReplyFailed.GetConversation()
	case *eventv1.TalkFact_ChangeDone:
		d.conversation = f.ChangeDone.GetConversation()
	case *eventv1.TalkFact_ChangeFailed:
		d.conversation = f.ChangeFailed.GetConversation()
	}
	if d.conversation != "" || fact.GetCustomer() == nil {
		return nil
	}
	var err error
	d.conversation, err = s.conversations.Of(ctx, d.project, fact.GetCustomer())
	return err
}

func (d *described) describeSend(project, conversation string) {
	command, ok := d.content.(*eventv1.KarteCommand)
	d.project, d.conversation = projectIn(project, command.GetProject()), conversation
	if !ok {
		return
	}
	if d.kind = "message"; command.GetKind() == eventv1.ReplyKind_REPLY_KIND_NOTE {
		d.kind = "note"
	}
	if command.GetChange() != nil {
		d.kind = "change"
	}
}

// projectIn answers the project of a subject's token; said is what the message says, which counts only where the two agree. Alone, a token
// that may be the hash of another name tells nothing.
func projectIn(token, said string) string {
	if bus.ProjectToken(said) == token {
		return said
	}
	if strings.HasPrefix(token, "x-") {
		return ""
	}
	return token
}

func (s *Service) describeSlack(ctx context.Context, d *described, team, channel, ts string) error {
	if fact, ok := d.content.(*eventv1.SlackFact); ok {
		switch f := fact.GetFact().(type) {
		case *eventv1.SlackFact_ThreadOpened:
			d.project, d.conversation = f.ThreadOpened.GetProject(), f.ThreadOpened.GetConversation()
		case *eventv1.SlackFact_Posted:
			d.project, d.conversation = f.Posted.GetProject(), f.Posted.GetConversation()
		case *eventv1.SlackFact_PostFailed:
			d.project, d.conversation = f.PostFailed.GetProject(), f.PostFailed.GetConversation()
		case *eventv1.SlackFact_LaneParked:
			d.project = f.LaneParked.GetProject()
		}
	}
	if d.project != "" {
		return nil
	}
	return s.byThread(ctx, d, team, channel, ts)
}

func (s *Service) describePost(ctx context.Context, d *described) error {
	command, _ := d.content.(*eventv1.SlackCommand)
	switch c := command.GetCommand().(type) {
	case *eventv1.SlackCommand_ThreadPost:
		d.kind, d.project, d.conversation = "thread-post", c.ThreadPost.GetProject(), c.ThreadPost.GetConversation()
	case *eventv1.SlackCommand_Reaction:
		d.kind = "reaction"
		return s.byRef(ctx, d, c.Reaction.GetTarget())
	case *eventv1.SlackCommand_Notice:
		d.kind = "notice"
		return s.byRef(ctx, d, c.Notice.GetTarget())
	case *eventv1.SlackCommand_DirectNotice:
		d.kind = "direct-notice"
	case *eventv1.SlackCommand_CardUpdate:
		d.kind, d.project, d.conversation = "card-update", c.CardUpdate.GetProject(), c.CardUpdate.GetConversation()
	}
	return nil
}

func (s *Service) byRef(ctx context.Context, d *described, ref *eventv1.SlackMessageRef) error {
	return s.byThread(ctx, d, ref.GetTeam(), ref.GetChannel(), ref.GetThreadTs())
}

func (s *Service) byThread(ctx context.Context, d *described, team, channel, ts string) error {
	if team == "" || channel == "" || ts == "" {
		return nil
	}
	conv, ok, err := s.conversations.ByThread(ctx, team, channel, ts)
	if err == nil && ok {
		d.project, d.conversation = conv.Project, conv.ID
	}
	return err
}

// timestamp is the inverse of bus.ThreadToken; empty for a fact about a whole channel.
func timestamp(token string) string {
	if token == "-" {
		return ""
	}
	return strings.Replace(token, "-", ".", 1)
}

func (d described) belongs(project string) bool {
	return project == anyProject || project == d.project
}

// field answers a field of the letter for filters.
func (d described) field(name string) any {
	switch name {
	case "stream":
		return d.letter.GetStream()
	case "reason":
		return d.reason()
	case "kind":
		return d.kind
	case "conversation":
		return []string{d.conversationName(), d.conversation}
	}
	return d.letter.GetDiedAt().AsTime()
}

func (d described) reason() string {
	return strings.TrimPrefix(d.letter.GetReason().String(), "FAILURE_REASON_")
}

func (d described) conversationName() string {
	if d.project == "" || d.conversation == "" {
		return ""
	}
	return settings.ProjectName(d.project) + "/conversations/" + d.conversation
}

// proto answers the letter as the API shows it, without its content.
func (d described) proto() *adminv1.DeadLetter {
	return &adminv1.DeadLetter{
		Name: name(d.project, d.letter.Number), Stream: d.letter.GetStream(), Subject: d.letter.GetSubject(), Sequence: d.letter.GetSequence(),
		Reason: d.reason(), Cause: d.letter.GetCause(), DieTime: d.letter.GetDiedAt(), Deliveries: int64(d.letter.GetDeliveries()), //nolint:gosec // never so many
		Kind: d.kind, Conversation: d.conversationName(),
	}
}

// written answers the message as JSON, or as base64 when it cannot be decoded.
func (d described) written() string {
	if d.content != nil {
		if text, err := protojson.Marshal(d.content); err == nil {
			return string(text)
		}
	}
	return base64.StdEncoding.EncodeToString(d.letter.GetPayload())
}

// name is the resource name of a letter; `-` stands for a project that cannot be told.
func name(project string, number uint64) string {
	if project == "" {
		project = anyProject
	}
	return settings.ProjectName(project) + "/deadLetters/" + strconv.FormatUint(number, 10)
}

// parse is the inverse of name. A number that is not written as name writes it names nothing.
func parse(letter string) (project string, number uint64, err error) {
	parent, digits, ok := strings.Cut(letter, "/deadLetters/")
	if project, err = projectOf(parent); err != nil || !ok {
		return "", 0, fmt.Errorf("%w: %q is not projects/{project}/deadLetters/{letter}", settings.ErrInvalid, letter)
	}
	if number, err = strconv.ParseUint(digits, 10, 64); err != nil || number == 0 || strconv.FormatUint(number, 10) != digits {
		return "", 0, ErrNotFound
	}
	return project, number, nil
}

func projectOf(parent string) (string, error) {
	if parent == settings.ProjectName(anyProject) {
		return anyProject, nil
	}
	return settings.ParseProjectName(parent)
}
