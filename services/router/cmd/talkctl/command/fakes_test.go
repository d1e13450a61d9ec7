package command

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// page answers a part of a list as the services do.
func page[T any](items []T, size int32, token string) (part []T, next string) {
	from, _ := strconv.Atoi(token)
	to := min(from+int(size), len(items))
	if to < len(items) {
		next = strconv.Itoa(to)
	}
	return items[from:to], next
}

// talks is a ConversationService that remembers what it was asked.
type talks struct {
	adminv1.UnimplementedConversationServiceServer
	list    []*adminv1.Conversation
	traces  []*adminv1.MessageTrace
	removed map[string]int64

	mu     sync.Mutex
	asked  []*adminv1.ListConversationsRequest
	erased []string
	relink *adminv1.RelinkConversationRequest
	trace  *adminv1.TraceConversationRequest
}

func (f *talks) ListConversations(_ context.Context, r *adminv1.ListConversationsRequest) (*adminv1.ListConversationsResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, r)
	part, next := page(f.list, r.GetPageSize(), r.GetPageToken())
	return &adminv1.ListConversationsResponse{Conversations: part, NextPageToken: next}, nil
}

func (f *talks) GetConversation(_ context.Context, r *adminv1.GetConversationRequest) (*adminv1.GetConversationResponse, error) {
	for _, c := range f.list {
		if c.GetName() == r.GetName() {
			return &adminv1.GetConversationResponse{Conversation: c}, nil
		}
	}
	return nil, status.Error(codes.NotFound, "there is no such conversation")
}

func (f *talks) RelinkConversation(_ context.Context, r *adminv1.RelinkConversationRequest) (*adminv1.RelinkConversationResponse, error) {
	f.relink = r
	return &adminv1.RelinkConversationResponse{Conversation: &adminv1.Conversation{Name: r.GetName(), Channel: r.GetChannel()}}, nil
}

func (f *talks) EraseConversation(_ context.Context, r *adminv1.EraseConversationRequest) (*adminv1.EraseConversationResponse, error) {
	f.erased = append(f.erased, r.GetName())
	return &adminv1.EraseConversationResponse{Removed: f.removed}, nil
}

func (f *talks) TraceConversation(_ context.Context, r *adminv1.TraceConversationRequest) (*adminv1.TraceConversationResponse, error) {
	f.trace = r
	part, next := page(f.traces, r.GetPageSize(), r.GetPageToken())
	return &adminv1.TraceConversationResponse{Messages: part, NextPageToken: next}, nil
}

// letters is a DeadLetterService; those named in stuck cannot be replayed.
type letters struct {
	adminv1.UnimplementedDeadLetterServiceServer
	list  []*adminv1.DeadLetter
	stuck string

	parent, filter string
	replayed       []string
	notDone        bool
	discarded      []string
}

func (f *letters) ListDeadLetters(_ context.Context, r *adminv1.ListDeadLettersRequest) (*adminv1.ListDeadLettersResponse, error) {
	f.parent, f.filter = r.GetParent(), r.GetFilter()
	part, next := page(f.list, r.GetPageSize(), r.GetPageToken())
	return &adminv1.ListDeadLettersResponse{DeadLetters: part, NextPageToken: next}, nil
}

func (f *letters) GetDeadLetter(_ context.Context, r *adminv1.GetDeadLetterRequest) (*adminv1.GetDeadLetterResponse, error) {
	for _, l := range f.list {
		if id(l.GetName()) == id(r.GetName()) {
			return &adminv1.GetDeadLetterResponse{DeadLetter: l}, nil
		}
	}
	return nil, status.Error(codes.NotFound, "there is no such letter")
}

func (f *letters) ReplayDeadLetter(_ context.Context, r *adminv1.ReplayDeadLetterRequest) (*adminv1.ReplayDeadLetterResponse, error) {
	if id(r.GetName()) == f.stuck {
		return nil, status.Error(codes.FailedPrecondition, "its outcome is unknown")
	}
	f.replayed, f.notDone = append(f.replayed, r.GetName()), r.GetNotDone()
	return &adminv1.ReplayDeadLetterResponse{Subject: "post.T0DEMO1.C0SUPPORT." + id(r.GetName())}, nil
}

func (f *letters) DiscardDeadLetter(_ context.Context, r *adminv1.DiscardDeadLetterRequest) (*emptypb.Empty, error) {
	f.discarded = append(f.discarded, r.GetName())
	return &emptypb.Empty{}, nil
}

// record is an AuditService.
type record struct {
	adminv1.UnimplementedAuditServiceServer
	list   []*adminv1.AuditEntry
	filter string
}

func (f *record) ListAuditEntries(_ context.Context, r *adminv1.ListAuditEntriesRequest) (*adminv1.ListAuditEntriesResponse, error) {
	f.filter = r.GetFilter()
	part, next := page(f.list, r.GetPageSize(), r.GetPageToken())
	return &adminv1.ListAuditEntriesResponse{AuditEntries: part, NextPageToken: next}, nil
}

// checks is a DiagnosticsService.
type checks struct {
	adminv1.UnimplementedDiagnosticsServiceServer
	results  []*adminv1.CheckResult
	breaks   error
	sendTest bool
}

func (f *checks) RunDiagnostics(r *adminv1.RunDiagnosticsRequest, stream grpc.ServerStreamingServer[adminv1.RunDiagnosticsResponse]) error {
	f.sendTest = r.GetSendTest()
	for _, result := range f.results {
		for _, m := range []*adminv1.RunDiagnosticsResponse{
			{Progress: &adminv1.RunDiagnosticsResponse_Started{Started: &adminv1.CheckStarted{Check: result.GetCheck(), Title: result.GetTitle(), Total: int32(len(f.results))}}},
			{Progress: &adminv1.RunDiagnosticsResponse_Result{Result: result}},
		} {
			if err := stream.Send(m); err != nil {
				return err
			}
		}
	}
	return f.breaks
}

// team is a SettingsService for what is not the router's to decide in a test: KARTE's operators, watches, failures.
type team struct {
	settingsv1.UnimplementedSettingsServiceServer
	operators []*settingsv1.Operator
	away      error
	links     []*settingsv1.OperatorLink
	get       func(context.Context) error
	set       *settingsv1.OperatorLink

	// streams is what each call of Watch tells before it ends.
	streams []stream
	mu      sync.Mutex
	etags   []string
	tokens  []string
}

type stream struct {
	states []*settingsv1.TeamSettings
	end    error
	hang   bool
}

func (f *team) GetTeamSettings(ctx context.Context, r *settingsv1.GetTeamSettingsRequest) (*settingsv1.GetTeamSettingsResponse, error) {
	f.mu.Lock()
	f.tokens = append(f.tokens, metadata.ValueFromIncomingContext(ctx, "authorization")...)
	f.mu.Unlock()
	if f.get != nil {
		if err := f.get(ctx); err != nil {
			return nil, err
		}
	}
	return &settingsv1.GetTeamSettingsResponse{TeamSettings: &settingsv1.TeamSettings{Name: r.GetName()}}, nil
}

func (f *team) ListOperators(_ context.Context, r *settingsv1.ListOperatorsRequest) (*settingsv1.ListOperatorsResponse, error) {
	if f.away != nil {
		return nil, f.away
	}
	part, next := page(f.operators, r.GetPageSize(), r.GetPageToken())
	return &settingsv1.ListOperatorsResponse{Operators: part, NextPageToken: next}, nil
}

func (f *team) ListOperatorLinks(_ context.Context, r *settingsv1.ListOperatorLinksRequest) (*settingsv1.ListOperatorLinksResponse, error) {
	part, next := page(f.links, r.GetPageSize(), r.GetPageToken())
	return &settingsv1.ListOperatorLinksResponse{OperatorLinks: part, NextPageToken: next}, nil
}

func (f *team) GetOperatorLink(context.Context, *settingsv1.GetOperatorLinkRequest) (*settingsv1.GetOperatorLinkResponse, error) {
	return nil, status.Error(codes.NotFound, "this operator is not linked")
}

func (f *team) SetOperatorLink(_ context.Context, r *settingsv1.SetOperatorLinkRequest) (*settingsv1.SetOperatorLinkResponse, error) {
	f.set = r.GetOperatorLink()
	return &settingsv1.SetOperatorLinkResponse{OperatorLink: r.GetOperatorLink()}, nil
}

func (f *team) WatchTeamSettings(r *settingsv1.WatchTeamSettingsRequest, out grpc.ServerStreamingServer[settingsv1.WatchTeamSettingsResponse]) error {
	f.mu.Lock()
	f.etags = append(f.etags, r.GetEtag())
	var now stream
	if len(f.streams) > 0 {
		now, f.streams = f.streams[0], f.streams[1:]
	}
	f.mu.Unlock()
	for _, state := range now.states {
		if err := out.Send(&settingsv1.WatchTeamSettingsResponse{TeamSettings: state}); err != nil {
			return err
		}
	}
	if now.hang {
		<-out.Context().Done()
	}
	return now.end
}

// alone serves a SettingsService without anything of the router in front.
func alone(t *testing.T, f *team) string {
	t.Helper()
	server := grpc.NewServer()
	settingsv1.RegisterSettingsServiceServer(server, f)
	return serve(t, server)
}

func conversationsOf(n int) []*adminv1.Conversation {
	var list []*adminv1.Conversation
	for i := range n {
		list = append(list, &adminv1.Conversation{Name: fmt.Sprintf("projects/demo/conversations/abcdefghijklm%s", string([]byte{byte('a' + i/26/26), byte('a' + i/26%26), byte('a' + i%26)}))})
	}
	return list
}
