package api

import (
	"context"
	"strings"

	"go.einride.tech/aip/fieldmask"
	"google.golang.org/protobuf/types/known/emptypb"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/listing"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

// savedReplies answers SavedReplyService, as service answers SettingsService.
type savedReplies struct {
	settingsv1.UnimplementedSavedReplyServiceServer
	store *settings.Store
}

// ListSavedReplies lists them by title.
func (s *savedReplies) ListSavedReplies(ctx context.Context, r *settingsv1.ListSavedRepliesRequest) (*settingsv1.ListSavedRepliesResponse, error) {
	project, err := settings.ParseProjectName(r.GetParent())
	if err != nil {
		return nil, err
	}
	pages, list := listing.Pages{Secrets: s.store}, r.GetParent()+"/savedReplies?"+r.GetQuery()
	after, err := pages.Open(ctx, list, r.GetPageToken())
	if err != nil {
		return nil, err
	}
	all, err := s.store.SavedReplies(ctx, project, r.GetQuery())
	if err != nil {
		return nil, err
	}
	for len(all) > 0 && after != "" && settings.SavedReplyOrder(all[0]) <= after {
		all = all[1:]
	}
	next := ""
	if size := listing.Size(r.GetPageSize()); len(all) > size {
		all = all[:size]
		next = settings.SavedReplyOrder(all[size-1])
	}
	token, err := pages.Seal(ctx, list, next)
	if err != nil {
		return nil, err
	}
	return &settingsv1.ListSavedRepliesResponse{SavedReplies: all, NextPageToken: token}, nil
}

// GetSavedReply answers one.
func (s *savedReplies) GetSavedReply(ctx context.Context, r *settingsv1.GetSavedReplyRequest) (*settingsv1.GetSavedReplyResponse, error) {
	project, id, err := settings.ParseSavedReplyName(r.GetName())
	if err != nil {
		return nil, err
	}
	reply, err := s.store.GetSavedReply(ctx, project, id)
	if err != nil {
		return nil, err
	}
	return &settingsv1.GetSavedReplyResponse{SavedReply: reply}, nil
}

// CreateSavedReply adds one.
func (s *savedReplies) CreateSavedReply(ctx context.Context, r *settingsv1.CreateSavedReplyRequest) (*settingsv1.CreateSavedReplyResponse, error) {
	if r.GetSavedReply().GetName() != r.GetParent()+"/savedReplies/"+r.GetSavedReplyId() {
		return nil, invalidField("saved_reply.name", "must be parent and saved_reply_id together")
	}
	reply, err := s.store.CreateSavedReply(ctx, r.GetSavedReply())
	if err != nil {
		return nil, inside("saved_reply", err)
	}
	return &settingsv1.CreateSavedReplyResponse{SavedReply: reply}, nil
}

// UpdateSavedReply changes the fields named in the mask.
func (s *savedReplies) UpdateSavedReply(ctx context.Context, r *settingsv1.UpdateSavedReplyRequest) (*settingsv1.UpdateSavedReplyResponse, error) {
	wanted, mask := r.GetSavedReply(), r.GetUpdateMask()
	project, id, err := settings.ParseSavedReplyName(wanted.GetName())
	if err != nil {
		return nil, err
	}
	if len(mask.GetPaths()) == 0 {
		return nil, invalidField("update_mask", "must name at least one field, or * for all")
	}
	if err := fieldmask.Validate(mask, &settingsv1.SavedReply{}); err != nil {
		return nil, invalidField("update_mask", "names something that is not a field of SavedReply, or * beside other fields")
	}
	for _, path := range mask.GetPaths() {
		if field, _, _ := strings.Cut(path, "."); serverFields[field] {
			return nil, invalidField("update_mask", field+" cannot be changed")
		}
	}
	reply, err := s.store.UpdateSavedReply(ctx, project, id, wanted.GetEtag(), func(reply *settingsv1.SavedReply) {
		fieldmask.Update(mask, reply, wanted)
		reply.Name = wanted.GetName()
	})
	if err != nil {
		return nil, inside("saved_reply", err)
	}
	return &settingsv1.UpdateSavedReplyResponse{SavedReply: reply}, nil
}

// DeleteSavedReply removes one.
func (s *savedReplies) DeleteSavedReply(ctx context.Context, r *settingsv1.DeleteSavedReplyRequest) (*emptypb.Empty, error) {
	project, id, err := settings.ParseSavedReplyName(r.GetName())
	if err != nil {
		return nil, err
	}
	if err := s.store.DeleteSavedReply(ctx, project, id, r.GetEtag()); err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, nil
}
