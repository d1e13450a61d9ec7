package api

import (
	"context"
	"errors"
	"io"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

// expectation is what the access of a method should be, written down a second time on purpose.
type expectation struct {
	least  Role // 0: open to everybody
	global bool // about no project
	// everything: about all projects at once, so that a token has to be for all of them.
	everything bool
	request    func(project string) proto.Message
	answer     proto.Message
}

const (
	settingsService     = "/slacktalk.settings.v1.SettingsService/"
	savedReplyService   = "/slacktalk.settings.v1.SavedReplyService/"
	conversationService = "/slacktalk.admin.v1.ConversationService/"
	deadLetterService   = "/slacktalk.admin.v1.DeadLetterService/"
)

func savedReply(project, id string) *settingsv1.SavedReply {
	return &settingsv1.SavedReply{Name: settings.SavedReplyName(project, id), Title: "Hello", Text: "Hello, {customer}."}
}

func letterName(project string) string { return settings.ProjectName(project) + "/deadLetters/1" }

func conversationName(project string) string {
	return settings.ProjectName(project) + "/conversations/aaaaaaaaaaaaaaaa"
}

var expected = map[string]expectation{
	settingsService + "GetTeamSettings": {least: Viewer, answer: &settingsv1.GetTeamSettingsResponse{},
		request: func(p string) proto.Message { return &settingsv1.GetTeamSettingsRequest{Name: settings.TeamName(p)} }},
	settingsService + "ListTeamSettings": {least: Viewer, everything: true, answer: &settingsv1.ListTeamSettingsResponse{},
		request: func(string) proto.Message {
			return &settingsv1.ListTeamSettingsRequest{Parent: "projects/-", Workspace: "T0DEMO1"}
		}},
	settingsService + "UpdateTeamSettings": {least: Admin, answer: &settingsv1.UpdateTeamSettingsResponse{},
		request: func(p string) proto.Message { return update(p, &settingsv1.TeamSettings{}, "language") }},
	settingsService + "ListOperatorLinks": {least: Viewer, answer: &settingsv1.ListOperatorLinksResponse{},
		request: func(p string) proto.Message {
			return &settingsv1.ListOperatorLinksRequest{Parent: settings.ProjectName(p)}
		}},
	settingsService + "GetOperatorLink": {least: Viewer, answer: &settingsv1.GetOperatorLinkResponse{},
		request: func(p string) proto.Message {
			return &settingsv1.GetOperatorLinkRequest{Name: settings.LinkName(p, "op1")}
		}},
	settingsService + "SetOperatorLink": {least: Operator, answer: &settingsv1.SetOperatorLinkResponse{},
		request: func(p string) proto.Message { return set(p, "op1", "U0DEMO1") }},
	settingsService + "DeleteOperatorLink": {least: Operator, answer: &emptypb.Empty{},
		request: func(p string) proto.Message {
			return &settingsv1.DeleteOperatorLinkRequest{Name: settings.LinkName(p, "op1")}
		}},
	settingsService + "WatchTeamSettings": {least: Viewer, answer: &settingsv1.WatchTeamSettingsResponse{},
		request: func(p string) proto.Message {
			return &settingsv1.WatchTeamSettingsRequest{Name: settings.TeamName(p)}
		}},
	settingsService + "ExportProject": {least: Viewer, answer: &settingsv1.ExportProjectResponse{},
		request: func(p string) proto.Message {
			return &settingsv1.ExportProjectRequest{Name: settings.ProjectName(p)}
		}},
	settingsService + "ImportProject": {least: Admin, answer: &settingsv1.ImportProjectResponse{},
		request: func(p string) proto.Message {
			return &settingsv1.ImportProjectRequest{Name: settings.ProjectName(p), Document: []byte(`{teamSettings: {name: "` + settings.TeamName(p) + `"}}`)}
		}},
	settingsService + "ListOperators": {least: Viewer, answer: &settingsv1.ListOperatorsResponse{},
		request: func(p string) proto.Message {
			return &settingsv1.ListOperatorsRequest{Parent: settings.ProjectName(p)}
		}},
	savedReplyService + "ListSavedReplies": {least: Viewer, answer: &settingsv1.ListSavedRepliesResponse{},
		request: func(p string) proto.Message {
			return &settingsv1.ListSavedRepliesRequest{Parent: settings.ProjectName(p)}
		}},
	savedReplyService + "GetSavedReply": {least: Viewer, answer: &settingsv1.GetSavedReplyResponse{},
		request: func(p string) proto.Message {
			return &settingsv1.GetSavedReplyRequest{Name: settings.SavedReplyName(p, "hello")}
		}},
	savedReplyService + "CreateSavedReply": {least: Admin, answer: &settingsv1.CreateSavedReplyResponse{},
		request: func(p string) proto.Message {
			return &settingsv1.CreateSavedReplyRequest{Parent: settings.ProjectName(p), SavedReplyId: "hello", SavedReply: savedReply(p, "hello")}
		}},
	savedReplyService + "UpdateSavedReply": {least: Admin, answer: &settingsv1.UpdateSavedReplyResponse{},
		request: func(p string) proto.Message {
			return &settingsv1.UpdateSavedReplyRequest{SavedReply: savedReply(p, "hello"), UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"text"}}}
		}},
	savedReplyService + "DeleteSavedReply": {least: Admin, answer: &emptypb.Empty{},
		request: func(p string) proto.Message {
			return &settingsv1.DeleteSavedReplyRequest{Name: settings.SavedReplyName(p, "hello")}
		}},
	"/slacktalk.admin.v1.AuditService/ListAuditEntries": {least: Admin, answer: &adminv1.ListAuditEntriesResponse{},
		request: func(p string) proto.Message {
			return &adminv1.ListAuditEntriesRequest{Parent: settings.ProjectName(p)}
		}},
	conversationService + "ListConversations": {least: Viewer, answer: &adminv1.ListConversationsResponse{},
		request: func(p string) proto.Message {
			return &adminv1.ListConversationsRequest{Parent: settings.ProjectName(p)}
		}},
	conversationService + "GetConversation": {least: Viewer, answer: &adminv1.GetConversationResponse{},
		request: func(p string) proto.Message { return &adminv1.GetConversationRequest{Name: conversationName(p)} }},
	conversationService + "TraceConversation": {least: Viewer, answer: &adminv1.TraceConversationResponse{},
		request: func(p string) proto.Message {
			return &adminv1.TraceConversationRequest{Name: conversationName(p)}
		}},
	conversationService + "RelinkConversation": {least: Operator, answer: &adminv1.RelinkConversationResponse{},
		request: func(p string) proto.Message {
			return &adminv1.RelinkConversationRequest{Name: conversationName(p)}
		}},
	conversationService + "EraseConversation": {least: Admin, answer: &adminv1.EraseConversationResponse{},
		request: func(p string) proto.Message {
			return &adminv1.EraseConversationRequest{Name: conversationName(p)}
		}},
	deadLetterService + "ListDeadLetters": {least: Viewer, answer: &adminv1.ListDeadLettersResponse{},
		request: func(p string) proto.Message {
			return &adminv1.ListDeadLettersRequest{Parent: settings.ProjectName(p)}
		}},
	deadLetterService + "GetDeadLetter": {least: Operator, answer: &adminv1.GetDeadLetterResponse{},
		request: func(p string) proto.Message { return &adminv1.GetDeadLetterRequest{Name: letterName(p)} }},
	deadLetterService + "ReplayDeadLetter": {least: Operator, answer: &adminv1.ReplayDeadLetterResponse{},
		request: func(p string) proto.Message { return &adminv1.ReplayDeadLetterRequest{Name: letterName(p)} }},
	deadLetterService + "DiscardDeadLetter": {least: Admin, answer: &emptypb.Empty{},
		request: func(p string) proto.Message { return &adminv1.DiscardDeadLetterRequest{Name: letterName(p)} }},
	"/slacktalk.admin.v1.DiagnosticsService/RunDiagnostics": {least: Operator, answer: &adminv1.RunDiagnosticsResponse{},
		request: func(p string) proto.Message {
			return &adminv1.RunDiagnosticsRequest{Parent: settings.ProjectName(p)}
		}},
	"/grpc.health.v1.Health/Check": {global: true, answer: &grpc_health_v1.HealthCheckResponse{},
		request: func(string) proto.Message { return &grpc_health_v1.HealthCheckRequest{} }},
	"/grpc.health.v1.Health/List": {global: true, answer: &grpc_health_v1.HealthListResponse{},
		request: func(string) proto.Message { return &grpc_health_v1.HealthListRequest{} }},
	"/grpc.health.v1.Health/Watch": {global: true, answer: &grpc_health_v1.HealthCheckResponse{},
		request: func(string) proto.Message { return &grpc_health_v1.HealthCheckRequest{} }},
	"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": {
		least: Viewer, global: true, answer: &reflectionv1.ServerReflectionResponse{},
		request: func(string) proto.Message {
			return &reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}}
		}},
	"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": {
		least: Viewer, global: true, answer: &reflectionv1.ServerReflectionResponse{},
		request: func(string) proto.Message {
			return &reflectionv1.ServerReflectionRequest{
				MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}}
		}},
}

func TestEveryMethodIsOpenToExactlyThoseWhoMay(t *testing.T) {
	r := start(t)
	callers := []struct {
		token string
		role  Role
		all   bool
	}{{viewerDemo, Viewer, false}, {operatorDemo, Operator, false}, {adminDemo, Admin, false}, {adminAll, Admin, true}}
	forEachMethod(t, r, func(method string, streams bool, want expectation) {
		for _, project := range []string{"demo", "other"} {
			for _, c := range callers {
				err := r.call(as(t, c.token), method, streams, want, project)
				may := c.role >= want.least && (want.global || c.all || project == "demo" && !want.everything)
				if denied := status.Code(err) == codes.PermissionDenied; denied == may {
					t.Errorf("%s of %s with %s: got %v, want allowed: %v", method, project, c.token, err, may)
				}
				wantCode(t, method, err, codes.OK, codes.NotFound, codes.AlreadyExists, codes.PermissionDenied)
			}
			for _, ctx := range strangers(t) {
				err := r.call(ctx, method, streams, want, project)
				if (status.Code(err) == codes.Unauthenticated) != (want.least != 0) || want.least == 0 && err != nil {
					t.Errorf("%s without a valid token: %v", method, err)
				}
			}
		}
	})
}

func forEachMethod(t *testing.T, r *running, do func(method string, streams bool, want expectation)) {
	t.Helper()
	for service, info := range r.server.GetServiceInfo() {
		for _, m := range info.Methods {
			method := "/" + service + "/" + m.Name
			want, known := expected[method]
			if !known {
				t.Errorf("%s has no row here: say who may call it", method)
				continue
			}
			streams := m.IsServerStream || m.IsClientStream
			if row := access[method]; row.change && row.resource == nil {
				t.Errorf("%s changes something, but its audit entry would not say what", method)
			}
			do(method, streams, want)
		}
	}
}

// strangers are calls without a valid credential, of all sorts.
func strangers(t *testing.T) []context.Context {
	with := func(values ...string) context.Context {
		ctx := t.Context()
		for _, value := range values {
			ctx = metadata.AppendToOutgoingContext(ctx, "authorization", value)
		}
		return ctx
	}
	expired := "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE1MDAwMDAwMDB9.c2lnbmF0dXJl"
	return []context.Context{
		t.Context(), with(""), with("Bearer"), with("Bearer "), with("Bearer unknown"), with("Bearer " + expired),
		with("Basic " + adminAll), with(adminAll), with("Bearer  " + adminAll), with("Bearer " + adminAll + "x"),
		with("Bearer "+adminAll, "Bearer "+adminAll), with("Bearer " + adminAll[:len(adminAll)-1]),
		metadata.AppendToOutgoingContext(t.Context(), "x-authorization", "Bearer "+adminAll),
	}
}

// call makes one call of a method whatever its kind, and answers how the first message of its answer came.
func (r *running) call(ctx context.Context, method string, streams bool, want expectation, project string) error {
	answer := want.answer.ProtoReflect().New().Interface()
	if !streams {
		return r.conn.Invoke(ctx, method, want.request(project), answer)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := r.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method)
	if err != nil {
		return err
	}
	if err := stream.SendMsg(want.request(project)); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	return stream.RecvMsg(answer)
}

func TestADeniedProjectLooksTheSameWhetherItExists(t *testing.T) {
	r := start(t)
	if _, err := r.SetOperatorLink(as(t, adminAll), set("exists", "op1", "U0DEMO1")); err != nil {
		t.Fatal(err)
	}
	name := func(project string) *settingsv1.GetOperatorLinkRequest {
		return &settingsv1.GetOperatorLinkRequest{Name: settings.LinkName(project, "op1")}
	}
	_, there := r.GetOperatorLink(as(t, adminDemo), name("exists"))
	_, absent := r.GetOperatorLink(as(t, adminDemo), name("absent"))
	wantCode(t, "foreign project", there, codes.PermissionDenied)
	if there.Error() != absent.Error() {
		t.Errorf("%v differs from %v", there, absent)
	}
}

func TestAMethodWithoutARowIsRefused(t *testing.T) {
	if err := allowRole(Caller{Role: Admin}, "/new.Service/Method"); status.Code(err) != codes.PermissionDenied {
		t.Errorf("got %v", err)
	}
	if err := allowRole(Caller{}, settingsService+"GetTeamSettings"); status.Code(err) != codes.PermissionDenied {
		t.Errorf("nobody: got %v", err)
	}
}

// fixedStream hands out one request.
type fixedStream struct {
	grpc.ServerStream
	request proto.Message
}

func (s *fixedStream) RecvMsg(m any) error {
	proto.Merge(m.(proto.Message), s.request)
	return nil
}

func TestRequestsOfStreamsAreHeldAgainstTheSameRules(t *testing.T) {
	ctx := context.WithValue(t.Context(), callerKey{}, Caller{Role: Viewer, projects: map[string]bool{"demo": true}})
	for name, want := range map[string]codes.Code{
		settings.TeamName("demo"):  codes.OK,
		settings.TeamName("other"): codes.PermissionDenied,
		"projects/demo":            codes.InvalidArgument,
	} {
		inner := &fixedStream{request: &settingsv1.GetTeamSettingsRequest{Name: name}}
		stream := &guardedStream{ServerStream: inner, ctx: ctx, method: settingsService + "GetTeamSettings"}
		err := stream.RecvMsg(&settingsv1.GetTeamSettingsRequest{})
		if got := codeOf(err); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

func codeOf(err error) codes.Code {
	if err == nil {
		return codes.OK
	}
	return toStatus(err).Code()
}

func update(project string, team *settingsv1.TeamSettings, paths ...string) *settingsv1.UpdateTeamSettingsRequest {
	team.Name = settings.TeamName(project)
	return &settingsv1.UpdateTeamSettingsRequest{TeamSettings: team, UpdateMask: &fieldmaskpb.FieldMask{Paths: paths}}
}

func set(project, operator, member string) *settingsv1.SetOperatorLinkRequest {
	return &settingsv1.SetOperatorLinkRequest{
		OperatorLink: &settingsv1.OperatorLink{Name: settings.LinkName(project, operator), SlackMember: member},
	}
}
