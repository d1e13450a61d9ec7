package api

import (
	"context"
	"crypto/sha256"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/protobuf/proto"

	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

// Role is what a caller may do; each role may do what those before it may. The zero Role may do nothing.
type Role int

// The roles.
const (
	Viewer   Role = iota + 1 // reads
	Operator                 // and links operators, moves conversations, reads and replays dead letters, runs diagnostics
	Admin                    // and changes settings, erases customers, discards dead letters, reads the audit
)

var roles = map[string]Role{"viewer": Viewer, "operator": Operator, "admin": Admin}

// anyProject stands in names for every project, and for none: only callers who may use every project may use it.
const anyProject = "-"

// everyProject stands for all projects in a tokens file.
const everyProject = "*"

// Caller is who makes a call.
type Caller struct {
	Name     string
	Role     Role
	projects map[string]bool
	sum      [sha256.Size]byte // of the token
	expires  time.Time         // zero: never
	// actsForMembers lets it call on behalf of members.
	actsForMembers bool
	// member is on whose behalf this call is made.
	member member
}

func (c Caller) mayUse(project string) bool { return c.projects[everyProject] || c.projects[project] }

// rule is who may call a method.
type rule struct {
	// open methods answer anybody, also without a token.
	open bool
	// role is the least role that may call it.
	role Role
	// resource answers the name of the resource a request is about, which begins with its project. A method without it is about
	// no project.
	resource func(request any) string
	// change says that each call has an audit entry.
	change bool
	// long calls may read much of a stream: they may take longTimeout, and few are made at once.
	long bool
	// member is what those need on whose behalf it is called; nil: nobody may.
	member *right
}

// actor is who makes a call, for the audit.
func (c Caller) actor() string {
	if c.member.id != "" {
		return c.member.id
	}
	return c.Name
}

// access has a row for each method of the server; a method without one is refused to everybody.
var access = map[string]rule{
	settingsv1.SettingsService_ListTeamSettings_FullMethodName: {
		role: Viewer, member: ownWorkspace, resource: named((*settingsv1.ListTeamSettingsRequest).GetParent),
	},
	settingsv1.SettingsService_GetTeamSettings_FullMethodName: {
		role: Viewer, member: anyMember, resource: named((*settingsv1.GetTeamSettingsRequest).GetName),
	},
	settingsv1.SettingsService_UpdateTeamSettings_FullMethodName: {
		role: Admin, change: true, member: changeSettings,
		resource: named(func(r *settingsv1.UpdateTeamSettingsRequest) string { return r.GetTeamSettings().GetName() }),
	},
	settingsv1.SettingsService_ListOperatorLinks_FullMethodName: {
		role: Viewer, member: anyMember, resource: named((*settingsv1.ListOperatorLinksRequest).GetParent),
	},
	settingsv1.SettingsService_GetOperatorLink_FullMethodName: {
		role: Viewer, member: anyMember, resource: named((*settingsv1.GetOperatorLinkRequest).GetName),
	},
	settingsv1.SettingsService_SetOperatorLink_FullMethodName: {
		role: Operator, change: true, member: linkOneself,
		resource: named(func(r *settingsv1.SetOperatorLinkRequest) string { return r.GetOperatorLink().GetName() }),
	},
	settingsv1.SettingsService_DeleteOperatorLink_FullMethodName: {
		role: Operator, change: true, member: unlinkOneself, resource: named((*settingsv1.DeleteOperatorLinkRequest).GetName),
	},

	settingsv1.SettingsService_WatchTeamSettings_FullMethodName: {
		role: Viewer, resource: named((*settingsv1.WatchTeamSettingsRequest).GetName),
	},
	settingsv1.SettingsService_ListOperators_FullMethodName: {
		role: Viewer, member: anyMember, resource: named((*settingsv1.ListOperatorsRequest).GetParent),
	},
	settingsv1.SettingsService_ExportProject_FullMethodName: {
		role: Viewer, resource: named((*settingsv1.ExportProjectRequest).GetName),
	},
	settingsv1.SettingsService_ImportProject_FullMethodName: {
		role: Admin, change: true, resource: named((*settingsv1.ImportProjectRequest).GetName),
	},

	settingsv1.SavedReplyService_ListSavedReplies_FullMethodName: {
		role: Viewer, member: anyMember, resource: named((*settingsv1.ListSavedRepliesRequest).GetParent),
	},
	settingsv1.SavedReplyService_GetSavedReply_FullMethodName: {
		role: Viewer, member: anyMember, resource: named((*settingsv1.GetSavedReplyRequest).GetName),
	},
	settingsv1.SavedReplyService_CreateSavedReply_FullMethodName: {
		role: Admin, change: true, member: adminsOnly, resource: named((*settingsv1.CreateSavedReplyRequest).GetParent),
	},
	settingsv1.SavedReplyService_UpdateSavedReply_FullMethodName: {
		role: Admin, change: true, member: adminsOnly,
		resource: named(func(r *settingsv1.UpdateSavedReplyRequest) string { return r.GetSavedReply().GetName() }),
	},
	settingsv1.SavedReplyService_DeleteSavedReply_FullMethodName: {
		role: Admin, change: true, member: adminsOnly, resource: named((*settingsv1.DeleteSavedReplyRequest).GetName),
	},

	adminv1.ConversationService_ListConversations_FullMethodName: {
		role: Viewer, long: true, member: ownConversations, resource: named((*adminv1.ListConversationsRequest).GetParent),
	},
	adminv1.ConversationService_GetConversation_FullMethodName: {
		role: Viewer, resource: named((*adminv1.GetConversationRequest).GetName),
	},
	adminv1.ConversationService_TraceConversation_FullMethodName: {
		role: Viewer, long: true, resource: named((*adminv1.TraceConversationRequest).GetName),
	},
	adminv1.ConversationService_RelinkConversation_FullMethodName: {
		role: Operator, change: true, resource: named((*adminv1.RelinkConversationRequest).GetName),
	},
	adminv1.ConversationService_EraseConversation_FullMethodName: {
		role: Admin, change: true, long: true, resource: named((*adminv1.EraseConversationRequest).GetName),
	},

	adminv1.DeadLetterService_ListDeadLetters_FullMethodName: {
		role: Viewer, member: adminsOnly, resource: named((*adminv1.ListDeadLettersRequest).GetParent),
	},
	// It answers what people wrote.
	adminv1.DeadLetterService_GetDeadLetter_FullMethodName: {
		role: Operator, resource: named((*adminv1.GetDeadLetterRequest).GetName),
	},
	adminv1.DeadLetterService_ReplayDeadLetter_FullMethodName: {
		role: Operator, change: true, resource: named((*adminv1.ReplayDeadLetterRequest).GetName),
	},
	adminv1.DeadLetterService_DiscardDeadLetter_FullMethodName: {
		role: Admin, change: true, resource: named((*adminv1.DiscardDeadLetterRequest).GetName),
	},

	adminv1.AuditService_ListAuditEntries_FullMethodName: {
		role: Admin, resource: named((*adminv1.ListAuditEntriesRequest).GetParent),
	},
	// It may post a test message.
	adminv1.DiagnosticsService_RunDiagnostics_FullMethodName: {
		role: Operator, change: true, resource: named((*adminv1.RunDiagnosticsRequest).GetParent),
	},

	// Probes have no token.
	grpc_health_v1.Health_Check_FullMethodName: {open: true},
	grpc_health_v1.Health_List_FullMethodName:  {open: true},
	grpc_health_v1.Health_Watch_FullMethodName: {open: true},

	reflectionv1.ServerReflection_ServerReflectionInfo_FullMethodName:            {role: Viewer},
	grpc_reflection_v1alpha.ServerReflection_ServerReflectionInfo_FullMethodName: {role: Viewer},
}

// named makes a rule's resource from a getter of the request.
func named[M proto.Message](get func(M) string) func(any) string {
	return func(request any) string {
		m, ok := request.(M)
		if !ok {
			return ""
		}
		return get(m)
	}
}

// allowRole refuses callers whose role is too small for the method.
func allowRole(caller Caller, method string) error {
	rule, known := access[method]
	if !known || !rule.open && (rule.role == 0 || caller.Role < rule.role) {
		return refusal(codes.PermissionDenied, "ROLE_TOO_SMALL", "this token's role does not allow this method")
	}
	return nil
}

// allowProject refuses requests about projects the caller has no access to, in the same words whether they exist or not.
func allowProject(caller Caller, method string, request any) error {
	resource := access[method].resource
	if resource == nil {
		return nil
	}
	project, ok := projectOf(resource(request))
	if !ok || !caller.mayUse(project) {
		return refusal(codes.PermissionDenied, "PROJECT_NOT_ALLOWED", "this token has no access to this project")
	}
	return nil
}

// projectOf answers the project that a resource name begins with.
func projectOf(resource string) (project string, ok bool) {
	parts := strings.SplitN(resource, "/", 3)
	if len(parts) < 2 {
		return "", false
	}
	if parts[0] == "projects" && parts[1] == anyProject {
		return anyProject, true
	}
	project, err := settings.ParseProjectName(parts[0] + "/" + parts[1])
	return project, err == nil
}

type callerKey struct{}

// callerOf answers who makes the call; nobody (the zero Caller) in calls of open methods.
func callerOf(ctx context.Context) Caller {
	caller, _ := ctx.Value(callerKey{}).(Caller)
	return caller
}
