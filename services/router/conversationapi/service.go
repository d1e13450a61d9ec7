// Package conversationapi serves ConversationService.
package conversationapi

import (
	"context"
	"errors"
	"fmt"

	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	"github.com/slacktalk/slacktalk/services/router/conversation"
	"github.com/slacktalk/slacktalk/services/router/erasure"
	"github.com/slacktalk/slacktalk/services/router/overview"
	"github.com/slacktalk/slacktalk/services/router/routing"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

// Service answers ConversationService. Requests reaching it kept the rules of the contract, by callers who may make them; its errors are those of the
// packages that do the work.
type Service struct {
	adminv1.UnimplementedConversationServiceServer
	Overview *overview.Overview
	Eraser   *erasure.Eraser
	Router   *routing.Router
}

// ListConversations lists the conversations of a project.
func (s *Service) ListConversations(ctx context.Context, r *adminv1.ListConversationsRequest) (*adminv1.ListConversationsResponse, error) {
	project, err := settings.ParseProjectName(r.GetParent())
	if err != nil {
		return nil, err
	}
	page, err := s.Overview.List(ctx, project, r)
	return page, told(ctx, err)
}

// GetConversation answers one conversation.
func (s *Service) GetConversation(ctx context.Context, r *adminv1.GetConversationRequest) (*adminv1.GetConversationResponse, error) {
	project, id, err := parse(r.GetName())
	if err != nil {
		return nil, err
	}
	found, err := s.Overview.Get(ctx, project, id)
	if err != nil {
		return nil, told(ctx, err)
	}
	return &adminv1.GetConversationResponse{Conversation: found}, nil
}

// TraceConversation answers the way of a conversation's messages.
func (s *Service) TraceConversation(ctx context.Context, r *adminv1.TraceConversationRequest) (*adminv1.TraceConversationResponse, error) {
	project, id, err := parse(r.GetName())
	if err != nil {
		return nil, err
	}
	page, err := s.Overview.Trace(ctx, project, id, r)
	return page, told(ctx, err)
}

// RelinkConversation moves a conversation to another channel. The answer shows the former thread until the new one is open.
func (s *Service) RelinkConversation(ctx context.Context, r *adminv1.RelinkConversationRequest) (*adminv1.RelinkConversationResponse, error) {
	project, id, err := parse(r.GetName())
	if err != nil {
		return nil, err
	}
	if err := s.Router.Relink(ctx, project, id, r.GetChannel()); err != nil {
		return nil, told(ctx, err)
	}
	moved, err := s.Overview.Get(ctx, project, id)
	if err != nil {
		return nil, told(ctx, err)
	}
	return &adminv1.RelinkConversationResponse{Conversation: moved}, nil
}

// EraseConversation removes every trace of a customer.
func (s *Service) EraseConversation(ctx context.Context, r *adminv1.EraseConversationRequest) (*adminv1.EraseConversationResponse, error) {
	project, id, err := parse(r.GetName())
	if err != nil {
		return nil, err
	}
	removed, err := s.Eraser.Erase(ctx, project, id)
	if err != nil {
		return nil, told(ctx, err)
	}
	return &adminv1.EraseConversationResponse{Removed: removed}, nil
}

// ErrUnavailable is answered when Redis or NATS did not answer, or not with success. A change may have happened in part; the same call completes it.
var ErrUnavailable = errors.New("conversations unavailable")

// told marks what is nobody's fault: all errors but those that say what is wrong with the request, and the caller's own end.
func told(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ended := context.Cause(ctx); ended != nil {
		return errors.Join(ended, err)
	}
	for _, meant := range []error{settings.ErrInvalid, settings.ErrUnavailable, conversation.ErrNotFound, routing.ErrThere, routing.ErrNoChannel, erasure.ErrBusy} {
		if errors.Is(err, meant) {
			return err
		}
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

func parse(name string) (project, id string, err error) {
	project, id, ok := overview.ParseName(name)
	if !ok {
		return "", "", fmt.Errorf("%w: %q is not projects/{project}/conversations/{conversation}", settings.ErrInvalid, name)
	}
	return project, id, nil
}
