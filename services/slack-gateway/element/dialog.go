package element

// The action_ids of what opens or changes dialogs. The value of a button is the project that it is about.
const (
	// PersonalSettings and TeamSettings are the callback_ids of the modals that they open as well.
	PersonalSettings = "personal_settings"
	TeamSettings     = "team_settings"
	// AssignConversation is the callback_id of its modal as well.
	AssignConversation = "assign_conversation"
	// SavedReply is the callback_id of the message shortcut 「定型文で返信」 and of its modal, and the action_id of buttons that open it; SavedReplyMenu is the menu
	// in it, SavedReplyText what is sent.
	SavedReply     = "saved_reply"
	SavedReplyMenu = "saved_reply_menu"
	SavedReplyText = "saved_reply_text"
	// RefreshHome shows the app's Home as things are now.
	RefreshHome = "refresh_home"
	// Unlink ends one's own link, TestLink sends oneself a message that shows that it works.
	Unlink   = "unlink"
	TestLink = "test_link"
	// Operator is the menu of operators in modals, Conversation the one of conversations.
	Operator     = "operator"
	Conversation = "conversation"
)

// The action_ids of the inputs of the team settings.
const (
	Switches          = "switches"
	Channel           = "channel"
	MentionPolicy     = "mention_policy"
	MentionTargets    = "mention_targets"
	QuietPeriod       = "quiet_period"
	Language          = "language"
	Admins            = "admins"
	RemindAfter       = "remind_after"
	EscalateAfter     = "escalate_after"
	EscalationTargets = "escalation_targets"
)
