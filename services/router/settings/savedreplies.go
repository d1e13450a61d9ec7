package settings

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// MaxSavedReplies is how many a project may have.
const MaxSavedReplies = 500

var (
	// ErrNoSavedReply is returned when there is no such saved reply.
	ErrNoSavedReply = errors.New("no such saved reply")
	// ErrSavedReplyExists is returned when the id of a new one is taken. Nothing was changed.
	ErrSavedReplyExists = errors.New("saved reply exists")
	// ErrTooManySavedReplies is returned when the project has as many as it may have. Nothing was changed.
	ErrTooManySavedReplies = errors.New("too many saved replies")
)

// savedReplyID is what a saved reply may be called; the same rule is in saved_reply.proto.
var savedReplyID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// SavedReplyName is the resource name of a saved reply: `projects/{project}/savedReplies/{saved_reply}`.
func SavedReplyName(project, id string) string {
	return ProjectName(project) + "/savedReplies/" + id
}

// ParseSavedReplyName is the inverse of SavedReplyName.
func ParseSavedReplyName(name string) (project, id string, err error) {
	parent, id, ok := strings.Cut(name, "/savedReplies/")
	if project, err = ParseProjectName(parent); !ok || err != nil || !savedReplyID.MatchString(id) {
		return "", "", fmt.Errorf("%w: %q is not projects/{project}/savedReplies/{saved_reply}", ErrInvalid, name)
	}
	return project, id, nil
}

// GetSavedReply answers a saved reply, or ErrNoSavedReply.
func (s *Store) GetSavedReply(ctx context.Context, project, id string) (*settingsv1.SavedReply, error) {
	raw, reply, err := s.readSavedReply(ctx, project, id)
	if err == nil && raw == "" {
		err = fmt.Errorf("get saved reply %s of project %s: %w", id, project, ErrNoSavedReply)
	}
	if err != nil {
		return nil, err
	}
	return reply, nil
}

// SavedReplies answers all saved replies of a project whose title or text holds query in any case, by title, then name.
func (s *Store) SavedReplies(ctx context.Context, project, query string) ([]*settingsv1.SavedReply, error) {
	var stored map[string]string
	err := s.step(ctx, "list saved replies of project "+project, func(ctx context.Context) (err error) {
		stored, err = s.redis.HGetAll(ctx, SavedRepliesKey(project)).Result()
		return err
	})
	if err != nil {
		return nil, err
	}
	words := strings.Fields(strings.ToLower(query))
	var replies []*settingsv1.SavedReply
	for _, raw := range stored {
		reply := &settingsv1.SavedReply{}
		if err := decode(raw, reply); err != nil {
			return nil, err
		}
		if holds(reply, words) {
			replies = append(replies, reply)
		}
	}
	slices.SortFunc(replies, func(a, b *settingsv1.SavedReply) int { return strings.Compare(SavedReplyOrder(a), SavedReplyOrder(b)) })
	return replies, nil
}

// SavedReplyOrder is what lists are ordered by.
func SavedReplyOrder(r *settingsv1.SavedReply) string { return r.GetTitle() + "\x00" + r.GetName() }

func holds(reply *settingsv1.SavedReply, words []string) bool {
	text := strings.ToLower(reply.GetTitle() + "\n" + reply.GetText())
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// CreateSavedReply stores a new saved reply and answers it as stored.
func (s *Store) CreateSavedReply(ctx context.Context, reply *settingsv1.SavedReply) (*settingsv1.SavedReply, error) {
	project, id, err := s.checked(reply)
	if err != nil {
		return nil, err
	}
	after, verdict, err := s.writeSavedReply(ctx, project, id, "", reply)
	switch {
	case err != nil:
		return nil, err
	case verdict == verdictStale:
		return nil, fmt.Errorf("create saved reply %s: %w", id, ErrSavedReplyExists)
	case verdict == verdictFull:
		return nil, fmt.Errorf("create saved reply %s: %w", id, ErrTooManySavedReplies)
	}
	return after, nil
}

// UpdateSavedReply changes a saved reply by change, which may be called more than once, and answers it as stored; ErrStale when etag is not empty and not its etag.
func (s *Store) UpdateSavedReply(ctx context.Context, project, id, etag string, change func(*settingsv1.SavedReply)) (*settingsv1.SavedReply, error) {
	for range maxAttempts {
		raw, reply, err := s.readSavedReply(ctx, project, id)
		if err != nil {
			return nil, err
		}
		if raw == "" {
			return nil, fmt.Errorf("update saved reply %s: %w", id, ErrNoSavedReply)
		}
		if etag != "" && etag != reply.GetEtag() {
			break
		}
		change(reply)
		if _, _, err := s.checked(reply); err != nil {
			return nil, err
		}
		after, verdict, err := s.writeSavedReply(ctx, project, id, raw, reply)
		if err != nil {
			return nil, err
		}
		if verdict == verdictOK {
			return after, nil
		}
	}
	return nil, fmt.Errorf("update saved reply %s: %w", id, ErrStale)
}

// DeleteSavedReply removes a saved reply; ErrStale when etag is not empty and not its etag.
func (s *Store) DeleteSavedReply(ctx context.Context, project, id, etag string) error {
	for range maxAttempts {
		raw, reply, err := s.readSavedReply(ctx, project, id)
		if err != nil {
			return err
		}
		if raw == "" {
			return fmt.Errorf("delete saved reply %s: %w", id, ErrNoSavedReply)
		}
		if etag != "" && etag != reply.GetEtag() {
			break
		}
		verdict, err := s.run(ctx, "delete saved reply "+id, deleteSavedReply, []string{SavedRepliesKey(project)}, id, raw)
		if err != nil || verdict == verdictOK {
			return err
		}
	}
	return fmt.Errorf("delete saved reply %s: %w", id, ErrStale)
}

// checked holds a saved reply against the rules of the contract.
func (s *Store) checked(reply *settingsv1.SavedReply) (project, id string, err error) {
	if err := checkSavedReply(reply); err != nil {
		return "", "", err
	}
	return ParseSavedReplyName(reply.GetName())
}

// checkSavedReply applies the rules of the .proto, and those about what is stored: nothing is left out of it.
func checkSavedReply(reply *settingsv1.SavedReply) error {
	if err := Check(reply); err != nil {
		return err
	}
	var wrong []Violation
	for _, field := range []struct{ name, value string }{{"title", reply.GetTitle()}, {"text", reply.GetText()}} {
		if strings.TrimSpace(field.value) == "" {
			wrong = append(wrong, Violation{field.name, "must not be empty"})
		}
	}
	if len(wrong) > 0 {
		return &InvalidError{Violations: wrong}
	}
	return nil
}

// readSavedReply answers a saved reply and the bytes it was stored as, which are empty when there is none.
func (s *Store) readSavedReply(ctx context.Context, project, id string) (raw string, reply *settingsv1.SavedReply, err error) {
	err = s.step(ctx, "read saved reply "+id, func(ctx context.Context) error {
		raw, err = s.redis.HGet(ctx, SavedRepliesKey(project), id).Result()
		return err
	})
	if err != nil {
		return "", nil, err
	}
	reply = &settingsv1.SavedReply{}
	return raw, reply, decode(raw, reply)
}

func (s *Store) writeSavedReply(ctx context.Context, project, id, raw string, reply *settingsv1.SavedReply) (after *settingsv1.SavedReply, verdict string, err error) {
	after = proto.CloneOf(reply)
	after.Etag, after.UpdateTime = newEtag(), timestamppb.New(s.now())
	value, err := encode(after)
	if err != nil {
		return nil, "", err
	}
	verdict, err = s.run(ctx, "write saved reply "+id, setSavedReply, []string{SavedRepliesKey(project)}, id, raw, value, MaxSavedReplies)
	return after, verdict, err
}
