package api

import (
	"context"
	"errors"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/services/router/audit"
	"github.com/slacktalk/slacktalk/services/router/conversation"
	"github.com/slacktalk/slacktalk/services/router/conversationapi"
	"github.com/slacktalk/slacktalk/services/router/deadletter"
	"github.com/slacktalk/slacktalk/services/router/erasure"
	"github.com/slacktalk/slacktalk/services/router/operators"
	"github.com/slacktalk/slacktalk/services/router/routing"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

// errorDomain is the domain of the reasons in google.rpc.ErrorInfo.
const errorDomain = "slacktalk"

// kinds says how each error of the inside is told to callers: in these words and no others.
var kinds = []struct {
	is      error
	code    codes.Code
	reason  string
	message string
}{
	{settings.ErrInvalid, codes.InvalidArgument, "INVALID", "the request breaks a rule"},
	{settings.ErrStale, codes.Aborted, "STALE_ETAG", "somebody else changed this in the meantime; read it again and repeat the change"},
	{settings.ErrMemberTaken, codes.AlreadyExists, "MEMBER_TAKEN", "this Slack member is linked to another operator of the project"},
	{settings.ErrNotFound, codes.NotFound, "NOT_LINKED", "this operator is not linked"},
	{settings.ErrNoSavedReply, codes.NotFound, "NO_SAVED_REPLY", "there is no such saved reply"},
	{settings.ErrSavedReplyExists, codes.AlreadyExists, "SAVED_REPLY_EXISTS", "there is a saved reply with this id"},
	{settings.ErrTooManySavedReplies, codes.ResourceExhausted, "TOO_MANY_SAVED_REPLIES", "the project has as many saved replies as it may have; delete some"},
	{settings.ErrUnavailable, codes.Unavailable, "STORAGE_UNAVAILABLE", "the settings cannot be reached right now; try again later"},
	{settings.ErrCorrupt, codes.Internal, "STORAGE_CORRUPT", "the stored settings cannot be read"},
	{audit.ErrUnavailable, codes.Unavailable, "AUDIT_UNAVAILABLE", "the audit entries cannot be read right now; try again later"},
	{conversation.ErrNotFound, codes.NotFound, "NO_CONVERSATION", "there is no such conversation"},
	{routing.ErrThere, codes.FailedPrecondition, "ALREADY_THERE", "the conversation is in that channel already"},
	{routing.ErrNoChannel, codes.FailedPrecondition, "NO_CHANNEL", "the project's settings name no workspace, or no channel; name a channel, or complete the settings"},
	{erasure.ErrBusy, codes.Aborted, "CUSTOMER_ACTIVE", "messages of the customer keep coming; call again to erase these as well"},
	{conversationapi.ErrUnavailable, codes.Unavailable, "CONVERSATIONS_UNAVAILABLE", "the conversations cannot be reached right now; try again later"},
	{operators.ErrNobodyAnswers, codes.Unavailable, "INGEST_KARTE_SILENT", "ingest-karte, which knows the operators, does not answer right now; try again later"},
	{operators.ErrKARTE, codes.Unavailable, "KARTE_SILENT", "KARTE does not tell its operators right now, or does not let the app see them; the router's log has its words"},
	{deadletter.ErrNotFound, codes.NotFound, "NO_DEAD_LETTER", "there is no such dead letter; it may have been replayed or discarded"},
	{deadletter.ErrUnavailable, codes.Unavailable, "DEAD_LETTERS_UNAVAILABLE", "the dead letters cannot be reached right now; the same call may be made again later"},
	{bus.ErrNotReplayable, codes.FailedPrecondition, "NOT_REPLAYABLE", "the message of this letter cannot be understood, so nobody could carry it out"},
	{bus.ErrTooOld, codes.FailedPrecondition, "TOO_OLD", "this is so old that what it has already caused would not be recognised; look, and set not_done if it was not done"},
	{context.Canceled, codes.Canceled, "CANCELLED", "the call was cancelled"},
	{context.DeadlineExceeded, codes.DeadlineExceeded, "TOO_LATE", "the call took too long"},
}

// toStatus turns an error into what the caller is told. What has a status already keeps it; what is not known is INTERNAL, without
// a word about the cause. Each carries a google.rpc.ErrorInfo.
func toStatus(err error) *status.Status {
	// Only a status that was made to be an answer counts, not one wrapped somewhere inside.
	if told, ok := err.(interface{ GRPCStatus() *status.Status }); ok {
		return withReason(told.GRPCStatus())
	}
	for _, kind := range kinds {
		if errors.Is(err, kind.is) {
			reason := &errdetails.ErrorInfo{Reason: kind.reason, Domain: errorDomain}
			return withViolations(kind.code, kind.message, reason, err)
		}
	}
	return withReason(status.New(codes.Internal, "internal error"))
}

// withReason gives a status that has no google.rpc.ErrorInfo one with the name of its code: it says no more, but clients need not look twice.
func withReason(s *status.Status) *status.Status {
	for _, detail := range s.Details() {
		if _, ok := detail.(*errdetails.ErrorInfo); ok {
			return s
		}
	}
	return withDetails(s, &errdetails.ErrorInfo{Reason: codeName(s.Code()), Domain: errorDomain})
}

// codeName is a code's name in the documentation of gRPC, like NOT_FOUND.
func codeName(c codes.Code) string { return code.Code(c).String() } //nolint:gosec // the codes are few

// refusal is an error that is told as it is.
func refusal(c codes.Code, reason, message string, details ...protoadapt.MessageV1) error {
	details = append([]protoadapt.MessageV1{&errdetails.ErrorInfo{Reason: reason, Domain: errorDomain}}, details...)
	return withDetails(status.New(c, message), details...).Err()
}

// withViolations makes a status that also tells the wrong fields, if err knows them: the first in its message, for people, all in
// google.rpc.BadRequest.
func withViolations(code codes.Code, message string, reason *errdetails.ErrorInfo, err error) *status.Status {
	var invalid *settings.InvalidError
	if !errors.As(err, &invalid) || len(invalid.Violations) == 0 {
		return withDetails(status.New(code, message), reason)
	}
	bad := &errdetails.BadRequest{}
	for _, v := range invalid.Violations {
		bad.FieldViolations = append(bad.FieldViolations,
			&errdetails.BadRequest_FieldViolation{Field: v.Field, Description: v.Description})
	}
	first := invalid.Violations[0]
	return withDetails(status.New(code, message+": "+first.Field+": "+first.Description), reason, bad)
}

func withDetails(s *status.Status, details ...protoadapt.MessageV1) *status.Status {
	if detailed, err := s.WithDetails(details...); err == nil {
		return detailed
	}
	return s
}

// invalidField refuses one field.
func invalidField(field, description string) error {
	return &settings.InvalidError{Violations: []settings.Violation{{Field: field, Description: description}}}
}

// inside puts the fields an error tells under the field of the request they came in.
func inside(field string, err error) error {
	var invalid *settings.InvalidError
	if !errors.As(err, &invalid) {
		return err
	}
	moved := &settings.InvalidError{}
	for _, v := range invalid.Violations {
		moved.Violations = append(moved.Violations, settings.Violation{Field: field + "." + v.Field, Description: v.Description})
	}
	return moved
}
