package api

import (
	"context"

	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
)

// noConversations answers every call about conversations with nothing.
type noConversations struct {
	adminv1.UnimplementedConversationServiceServer
}

func (noConversations) ListConversations(context.Context, *adminv1.ListConversationsRequest) (*adminv1.ListConversationsResponse, error) {
	return &adminv1.ListConversationsResponse{}, nil
}

func (noConversations) GetConversation(context.Context, *adminv1.GetConversationRequest) (*adminv1.GetConversationResponse, error) {
	return &adminv1.GetConversationResponse{}, nil
}

func (noConversations) TraceConversation(context.Context, *adminv1.TraceConversationRequest) (*adminv1.TraceConversationResponse, error) {
	return &adminv1.TraceConversationResponse{}, nil
}

func (noConversations) RelinkConversation(context.Context, *adminv1.RelinkConversationRequest) (*adminv1.RelinkConversationResponse, error) {
	return &adminv1.RelinkConversationResponse{}, nil
}

func (noConversations) EraseConversation(context.Context, *adminv1.EraseConversationRequest) (*adminv1.EraseConversationResponse, error) {
	return &adminv1.EraseConversationResponse{}, nil
}
