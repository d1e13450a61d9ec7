package settings

import (
	"context"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// GetLink answers the link of an operator, or ErrNotFound.
func (s *Store) GetLink(ctx context.Context, project, operator string) (*settingsv1.OperatorLink, error) {
	raw, link, err := s.readLink(ctx, project, operator)
	if err == nil && raw == "" {
		err = fmt.Errorf("get link of operator %s in project %s: %w", operator, project, ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	return link, nil
}

// SetLink links the operator of link.Name to link.SlackMember, replacing the operator's former link, and answers the link as
// stored. It returns ErrStale when link.Etag is not empty and not the etag of what is stored, and ErrMemberTaken when the
// member belongs to another operator of the project: a reply must go out under one name.
func (s *Store) SetLink(ctx context.Context, link *settingsv1.OperatorLink) (*settingsv1.OperatorLink, error) {
	if err := Check(link); err != nil {
		return nil, err
	}
	project, operator, err := ParseLinkName(link.GetName())
	if err != nil {
		return nil, err
	}
	for range maxAttempts {
		raw, before, err := s.readLink(ctx, project, operator)
		if err != nil {
			return nil, err
		}
		if link.GetEtag() != "" && link.GetEtag() != before.GetEtag() {
			break
		}
		after := s.stampLink(link)
		verdict, err := s.writeLink(ctx, project, operator, raw, before, after)
		switch {
		case err != nil:
			return nil, err
		case verdict == verdictOK:
			return after, nil
		case verdict == verdictTaken:
			return nil, fmt.Errorf("link operator %s to %s: %w", operator, link.GetSlackMember(), ErrMemberTaken)
		}
	}
	return nil, fmt.Errorf("link operator %s: %w", operator, ErrStale)
}

// DeleteLink removes the link of an operator; ErrNotFound when there is none, ErrStale when etag is not empty and not its etag.
func (s *Store) DeleteLink(ctx context.Context, project, operator, etag string) error {
	for range maxAttempts {
		raw, link, err := s.readLink(ctx, project, operator)
		if err != nil {
			return err
		}
		if raw == "" {
			return fmt.Errorf("delete link of operator %s in project %s: %w", operator, project, ErrNotFound)
		}
		if etag != "" && etag != link.GetEtag() {
			break
		}
		verdict, err := s.run(ctx, "delete link of operator "+operator, deleteLink,
			[]string{LinksKey(project), MembersKey(project)}, operator, raw, link.GetSlackMember())
		if err != nil || verdict == verdictOK {
			return err
		}
	}
	return fmt.Errorf("delete link of operator %s: %w", operator, ErrStale)
}

// ListLinks answers the first pageSize links of a project by operator id (in byte order) after the operator `after`, and where
// the next page begins: the operator to pass as after, empty on the last page. Links that come or go while pages are read may
// be missed; those that stay are listed exactly once.
func (s *Store) ListLinks(
	ctx context.Context, project string, pageSize int, after string,
) (links []*settingsv1.OperatorLink, next string, err error) {
	var operators []string
	err = s.step(ctx, "list links of project "+project, func(ctx context.Context) error {
		operators, err = s.redis.HKeys(ctx, LinksKey(project)).Result()
		return err
	})
	if err != nil || pageSize <= 0 {
		return nil, "", err
	}
	slices.Sort(operators)
	from, found := slices.BinarySearch(operators, after)
	if found {
		from++
	}
	operators = operators[from:]
	if len(operators) > pageSize {
		operators = operators[:pageSize]
		next = operators[pageSize-1]
	}
	links, err = s.readLinks(ctx, project, operators)
	if err != nil {
		return nil, "", err
	}
	return links, next, nil
}

// OperatorOf answers which operator a Slack member replies as; ok is false when the member is linked to none.
func (s *Store) OperatorOf(ctx context.Context, project, slackMember string) (operator string, ok bool, err error) {
	err = s.step(ctx, "look up slack member "+slackMember, func(ctx context.Context) error {
		operator, err = s.redis.HGet(ctx, MembersKey(project), slackMember).Result()
		return err
	})
	return operator, operator != "", err
}

// MemberOf answers which Slack member an operator is; ok is false when the operator is not linked.
func (s *Store) MemberOf(ctx context.Context, project, operator string) (member string, ok bool, err error) {
	_, link, err := s.readLink(ctx, project, operator)
	return link.GetSlackMember(), link.GetSlackMember() != "", err
}

// LinkedTo answers which Slack member an operator is, empty when nobody, and the etag with which a change of that is tied to it.
func (s *Store) LinkedTo(ctx context.Context, project, operator string) (member, etag string, err error) {
	_, link, err := s.readLink(ctx, project, operator)
	return link.GetSlackMember(), link.GetEtag(), err
}

// readLink answers a link and the bytes it was stored as. An operator without one has empty bytes and EmptyEtag.
func (s *Store) readLink(
	ctx context.Context, project, operator string,
) (raw string, link *settingsv1.OperatorLink, err error) {
	err = s.step(ctx, "read link of operator "+operator, func(ctx context.Context) error {
		raw, err = s.redis.HGet(ctx, LinksKey(project), operator).Result()
		return err
	})
	if err != nil {
		return "", nil, err
	}
	link = &settingsv1.OperatorLink{Etag: EmptyEtag}
	if err := decode(raw, link); err != nil {
		return "", nil, err
	}
	return raw, link, nil
}

// readLinks answers the links of the operators in their order, without those that are gone by now.
func (s *Store) readLinks(ctx context.Context, project string, operators []string) ([]*settingsv1.OperatorLink, error) {
	if len(operators) == 0 {
		return nil, nil
	}
	var values []any
	err := s.step(ctx, "read links of project "+project, func(ctx context.Context) (err error) {
		values, err = s.redis.HMGet(ctx, LinksKey(project), operators...).Result()
		return err
	})
	if err != nil {
		return nil, err
	}
	links := make([]*settingsv1.OperatorLink, 0, len(values))
	for _, value := range values {
		raw, ok := value.(string)
		if !ok {
			continue
		}
		link := &settingsv1.OperatorLink{}
		if err := decode(raw, link); err != nil {
			return nil, err
		}
		links = append(links, link)
	}
	return links, nil
}

func (s *Store) writeLink(
	ctx context.Context, project, operator, raw string, before, after *settingsv1.OperatorLink,
) (string, error) {
	value, err := encode(after)
	if err != nil {
		return "", err
	}
	return s.run(ctx, "write link of operator "+operator, setLink, []string{LinksKey(project), MembersKey(project)},
		operator, raw, value, before.GetSlackMember(), after.GetSlackMember())
}

// stampLink answers a copy with a new etag and the time of now.
func (s *Store) stampLink(link *settingsv1.OperatorLink) *settingsv1.OperatorLink {
	stamped := proto.CloneOf(link)
	stamped.Etag, stamped.UpdateTime = newEtag(), timestamppb.New(s.now())
	return stamped
}

// MembersOf answers which Slack member each linked operator of a project is, by operator.
func (s *Store) MembersOf(ctx context.Context, project string) (map[string]string, error) {
	var byMember map[string]string
	err := s.step(ctx, "read members of project "+project, func(ctx context.Context) (err error) {
		byMember, err = s.redis.HGetAll(ctx, MembersKey(project)).Result()
		return err
	})
	byOperator := make(map[string]string, len(byMember))
	for member, operator := range byMember {
		byOperator[operator] = member
	}
	return byOperator, err
}
