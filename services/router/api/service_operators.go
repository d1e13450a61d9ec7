package api

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/listing"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

// Operators answers whom KARTE knows.
type Operators interface {
	// Of answers the operators of a project, in any order.
	Of(ctx context.Context, project string) ([]*eventv1.Operator, error)
}

// ListOperators pages through what KARTE knows, by operator id, like the other lists.
func (s *service) ListOperators(ctx context.Context, r *settingsv1.ListOperatorsRequest) (*settingsv1.ListOperatorsResponse, error) {
	if s.operators == nil {
		return nil, status.Error(codes.Unimplemented, "this router does not ask KARTE")
	}
	project, err := settings.ParseProjectName(r.GetParent())
	if err != nil {
		return nil, err
	}
	pages, list := listing.Pages{Secrets: s.store}, r.GetParent()+"/operators"
	after, err := pages.Open(ctx, list, r.GetPageToken())
	if err != nil {
		return nil, err
	}
	known, err := s.operators.Of(ctx, project)
	if err != nil {
		return nil, err
	}
	page, next := operatorsAfter(known, after, listing.Size(r.GetPageSize()))
	token, err := pages.Seal(ctx, list, next)
	if err != nil {
		return nil, err
	}
	answer := &settingsv1.ListOperatorsResponse{NextPageToken: token}
	members, err := s.store.MembersOf(ctx, project)
	if err != nil {
		return nil, err
	}
	for _, operator := range page {
		answer.Operators = append(answer.Operators, &settingsv1.Operator{
			Name: settings.LinkName(project, operator.GetId()), DisplayName: operator.GetName(),
			SlackMember: members[operator.GetId()], Bot: operator.GetBot(),
		})
	}
	return answer, nil
}

// operatorsAfter answers a page of operators by id, and the id the next page begins after; empty on the last page.
func operatorsAfter(known []*eventv1.Operator, after string, size int) (page []*eventv1.Operator, next string) {
	byID := func(a, b *eventv1.Operator) int { return strings.Compare(a.GetId(), b.GetId()) }
	sorted := slices.SortedFunc(slices.Values(known), byID)
	from, found := slices.BinarySearchFunc(sorted, after, func(o *eventv1.Operator, id string) int { return strings.Compare(o.GetId(), id) })
	if found {
		from++
	}
	page = sorted[from:]
	if len(page) > size {
		page = page[:size]
		next = page[size-1].GetId()
	}
	return page, next
}
