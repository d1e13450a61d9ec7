package view

import (
	"strings"
	"unicode/utf16"

	"github.com/slack-go/slack"

	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/element"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
)

// Sayings of the dialog that sends a saved reply.
const (
	// NoOpenConversations: there is nobody to write to.
	NoOpenConversations Saying = "say_no_open_conversations"
	// PlacesLeft: what stands for a name was not replaced.
	PlacesLeft Saying = "say_places_left"
	// OtherCustomer: the text was made out to somebody else.
	OtherCustomer Saying = "say_other_customer"
	// OtherText: what was submitted first goes out, and not this.
	OtherText Saying = "say_other_text"
	// Composed: it was accepted.
	Composed Saying = "say_composed"
)

// What stands in a saved reply for the customer's id and the operator's name.
const (
	CustomerPlace = "{customer}"
	OperatorPlace = "{operator}"
)

// maxText is Slack's limit for what is typed into an input.
const maxText = 3000

// SavedReplyForm is what the modal shows that sends a saved reply.
type SavedReplyForm struct {
	// Project says in whose name it is sent.
	Project Project
	// Customer is whose thread it is about. Where there is none, one of Conversations is to be chosen; Conversation is the value of the one that is.
	Customer      *eventv1.Customer
	Conversations []*adminv1.Conversation
	Conversation  string
	// Saved are what can be picked; with More there are too many for a menu. Words are what they were looked for by, and NoneFound says in vain.
	Saved     []*settingsv1.SavedReply
	More      bool
	Words     string
	NoneFound bool
	// Picked is put into the text; nil when there is none.
	Picked *settingsv1.SavedReply
	Text   string
	// TextBlock is the id of the input with the text, About what the submission is told.
	TextBlock, About string
}

// SavedReply is the modal.
func SavedReply(lang string, f SavedReplyForm) slack.ModalViewRequest {
	w := texts.In(lang)
	operator := named(f.Project.OperatorName, f.Project.Operator)
	lead := paragraph(w.Say("saved_lead_choose", "Operator", operator))
	if f.Customer != nil {
		lead = paragraph(w.Say("saved_lead", "Customer", Customer(lang, f.Customer), "Operator", operator))
	}
	all := []slack.Block{lead, small(w.Say("home_project", "Project", f.Project.ID))}
	if f.Customer == nil {
		all = append(all, telling(input(element.Conversation, w.Say("saved_conversation"), false, conversationMenu(lang, f.Conversations, f.Conversation))))
	}
	all = append(all, savedMenu(lang, f)...)
	if tooLong(f.Text) {
		f.Text = ""
		all = append(all, paragraph(w.Say("saved_too_long")))
	}
	all = append(all, textInput(lang, f))
	return slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: element.SavedReply, PrivateMetadata: f.About, Title: plain(w.Say("saved_title")), Submit: plain(w.Say("saved_submit")),
		Close: plain(w.Say("modal_cancel")), Blocks: blocks(all...),
	}
}

// tooLong reports whether an input does not take a text, in whichever unit Slack counts. It is not cut: a customer is not to read half of it.
func tooLong(text string) bool { return len(utf16.Encode([]rune(text))) > maxText }

// telling is an input of which the app is told when it is used.
func telling(in *slack.InputBlock) *slack.InputBlock {
	in.DispatchAction = true
	return in
}

func conversationMenu(lang string, conversations []*adminv1.Conversation, chosen string) *slack.SelectBlockElement {
	var options []*slack.OptionBlockObject
	for _, c := range conversations[:min(len(conversations), MostInMenu)] {
		options = append(options, option(ThreadValue(c), Conversation(lang, c)))
	}
	menu := choice(element.Conversation, options, chosen)
	menu.Placeholder = plain(texts.In(lang).Say("assign_conversation_placeholder"))
	return menu
}

// savedMenu is the menu of saved replies with what is to be said about it; where there are too many for one it asks for those that fit to what is typed.
func savedMenu(lang string, f SavedReplyForm) (all []slack.Block) {
	w := texts.In(lang)
	switch {
	case len(f.Saved) == 0:
		return []slack.Block{small(w.Say("saved_none"))}
	case f.NoneFound:
		all = append(all, small(w.Say("saved_not_found", "Words", render.Label(f.Words, maxLine))))
	case f.Words != "" && !f.More:
		all = append(all, small(w.Say("saved_found", "Words", render.Label(f.Words, maxLine))))
	}
	menu := choice(element.SavedReplyMenu, SavedReplyOptions(f.Saved), "")
	menu.Placeholder = plain(w.Say("saved_placeholder"))
	if f.More {
		none := 0
		menu.Type, menu.Options, menu.MinQueryLength, menu.Placeholder = slack.OptTypeExternal, nil, &none, plain(w.Say("saved_search"))
	}
	if f.Picked != nil {
		menu.InitialOption = savedOption(f.Picked)
	}
	return append(all, telling(input(element.SavedReplyMenu, w.Say("saved_reply"), true, menu)))
}

// SavedReplyOptions are the options of such a menu, at most as many as it takes.
func SavedReplyOptions(saved []*settingsv1.SavedReply) []*slack.OptionBlockObject {
	var options []*slack.OptionBlockObject
	for _, s := range saved[:min(len(saved), MostInMenu)] {
		options = append(options, savedOption(s))
	}
	return options
}

func savedOption(s *settingsv1.SavedReply) *slack.OptionBlockObject {
	_, id, _ := strings.Cut(s.GetName(), "/savedReplies/")
	return option(id, s.GetTitle())
}

func textInput(lang string, f SavedReplyForm) *slack.InputBlock {
	w := texts.In(lang)
	in := input(f.TextBlock, w.Say("saved_text"), false, &slack.PlainTextInputBlockElement{
		Type: slack.METPlainTextInput, ActionID: element.SavedReplyText, Multiline: true, MaxLength: maxText, InitialValue: f.Text,
	})
	in.Hint = plain(w.Say("saved_text_hint"))
	return in
}

// CustomerID is what stands for a customer in a text: the member id, else the visitor id.
func CustomerID(c *eventv1.Customer) string {
	if c.GetUserId() != "" {
		return c.GetUserId()
	}
	return c.GetVisitorId()
}

// CustomerOf is the same of a conversation.
func CustomerOf(c *adminv1.Conversation) string {
	return CustomerID(&eventv1.Customer{UserId: c.GetUserId(), VisitorId: c.GetVisitorId()})
}

// Filled is the text of a saved reply made out to a customer, in the name of an operator. What is not known yet is left as it is.
func Filled(text, customer, operator, operatorName string) string {
	if operatorName == "" {
		operatorName = operator
	}
	places := []string{OperatorPlace, operatorName}
	if customer != "" {
		places = append(places, CustomerPlace, customer)
	}
	return strings.NewReplacer(places...).Replace(text)
}
