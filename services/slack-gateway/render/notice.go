package render

import (
	"github.com/slack-go/slack"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// Notice renders what one member is told in private. The meaning of detail depends on kind: the member's own id for
// NOT_LINKED, the files' names for FILE_NOT_SENT, what the customer has for EDIT_NOT_SENT and DELETE_NOT_SENT, the other side's explanation for FAILED,
// OUTCOME_UNKNOWN, COMPOSED_FAILED, POST_FAILED and the two PARKED; it may always be empty, and is shortened when it is long.
func Notice(kind eventv1.NoticeKind, detail, lang string) Message {
	return said(noticeKey(kind), detail, lang)
}

func said(key, detail, lang string) Message {
	s := wordsIn(lang).say(key, "Detail", label(detail, maxDetail))
	return Message{
		Text:   escape(s),
		Blocks: []slack.Block{&slack.SectionBlock{Type: slack.MBTSection, Text: plainText(s), Expand: true}},
	}
}

func noticeKey(kind eventv1.NoticeKind) string {
	switch kind {
	case eventv1.NoticeKind_NOTICE_KIND_NOT_LINKED:
		return "notice_not_linked"
	case eventv1.NoticeKind_NOTICE_KIND_ASSIGNEE_NOT_LINKED:
		return "notice_assignee_not_linked"
	case eventv1.NoticeKind_NOTICE_KIND_CUSTOMER_WROTE:
		return "notice_customer_wrote"
	case eventv1.NoticeKind_NOTICE_KIND_CUSTOMER_WAITS:
		return "notice_customer_waits"
	case eventv1.NoticeKind_NOTICE_KIND_NOT_ALLOWED:
		return "notice_not_allowed"
	case eventv1.NoticeKind_NOTICE_KIND_FAILED:
		return "notice_failed"
	case eventv1.NoticeKind_NOTICE_KIND_OUTCOME_UNKNOWN:
		return "notice_outcome_unknown"
	case eventv1.NoticeKind_NOTICE_KIND_MIXED:
		return "notice_mixed"
	case eventv1.NoticeKind_NOTICE_KIND_EDIT_NOT_SENT:
		return "notice_edit_not_sent"
	case eventv1.NoticeKind_NOTICE_KIND_FILE_NOT_SENT:
		return "notice_file_not_sent"
	case eventv1.NoticeKind_NOTICE_KIND_REPLIES_OFF:
		return "notice_replies_off"
	case eventv1.NoticeKind_NOTICE_KIND_EMPTY:
		return "notice_empty"
	case eventv1.NoticeKind_NOTICE_KIND_LANE_PARKED:
		return "notice_lane_parked"
	case eventv1.NoticeKind_NOTICE_KIND_PROJECT_PARKED:
		return "notice_project_parked"
	case eventv1.NoticeKind_NOTICE_KIND_INSTALLATION_ENDED:
		return "notice_installation_ended"
	case eventv1.NoticeKind_NOTICE_KIND_DELETE_NOT_SENT:
		return "notice_delete_not_sent"
	case eventv1.NoticeKind_NOTICE_KIND_POST_FAILED:
		return "notice_post_failed"
	case eventv1.NoticeKind_NOTICE_KIND_NOTE_ONLY:
		return "notice_note_only"
	case eventv1.NoticeKind_NOTICE_KIND_SEVERAL_BLOCKS:
		return "notice_several_blocks"
	case eventv1.NoticeKind_NOTICE_KIND_UNCLOSED_BLOCK:
		return "notice_unclosed_block"
	case eventv1.NoticeKind_NOTICE_KIND_HOW_TO_SEND:
		return "notice_how_to_send"
	case eventv1.NoticeKind_NOTICE_KIND_NOTE_EDITED:
		return "notice_note_edited"
	case eventv1.NoticeKind_NOTICE_KIND_ALREADY_ASSIGNED:
		return "notice_already_assigned"
	case eventv1.NoticeKind_NOTICE_KIND_CHANGE_FAILED:
		return "notice_change_failed"
	case eventv1.NoticeKind_NOTICE_KIND_EDIT_WOULD_SEND:
		return "notice_edit_would_send"
	case eventv1.NoticeKind_NOTICE_KIND_NOTE_DELETED:
		return "notice_note_deleted"
	case eventv1.NoticeKind_NOTICE_KIND_ALREADY_SENT:
		return "notice_already_sent"
	case eventv1.NoticeKind_NOTICE_KIND_OUT_OF_DATE:
		return "notice_out_of_date"
	case eventv1.NoticeKind_NOTICE_KIND_COMPOSED_SENT:
		return "notice_composed_sent"
	case eventv1.NoticeKind_NOTICE_KIND_COMPOSED_WAITS:
		return "notice_composed_waits"
	case eventv1.NoticeKind_NOTICE_KIND_COMPOSED_FAILED:
		return "notice_composed_failed"
	case eventv1.NoticeKind_NOTICE_KIND_NOT_RETRIED:
		return "notice_not_retried"
	case eventv1.NoticeKind_NOTICE_KIND_OPERATOR_CHANGED:
		return "notice_operator_changed"
	case eventv1.NoticeKind_NOTICE_KIND_COMPOSED_NOTE_ONLY:
		return "notice_composed_note_only"
	case eventv1.NoticeKind_NOTICE_KIND_COMPOSED_NOWHERE:
		return "notice_composed_nowhere"
	case eventv1.NoticeKind_NOTICE_KIND_RETRYING:
		return "notice_retrying"
	default:
		return "notice_other"
	}
}
