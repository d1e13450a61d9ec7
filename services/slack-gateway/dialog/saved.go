package dialog

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"github.com/slacktalk/slacktalk/internal/plain"
	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/dialog/view"
	"github.com/slacktalk/slacktalk/services/slack-gateway/element"
	"github.com/slacktalk/slacktalk/services/slack-gateway/inbound"
	"github.com/slacktalk/slacktalk/services/slack-gateway/routerapi"
)

// registerSaved adds what sends a saved reply: a shortcut in a thread, and a command where the conversation has to be chosen, because Slack does not tell in which
// thread a command was typed.
func (d *Dialogs) registerSaved() {
	d.OnShortcut(element.SavedReply, d.savedInThread)
	d.OnCommand("reply", d.behind(d.commandReply))
	d.OnPress(element.SavedReply, func(ctx context.Context, r Request) {
		project, words, _ := strings.Cut(valueOf(r.Action), " ")
		d.openSaved(ctx, r, saving{Project: project, Words: words, From: r.Channel})
	})
	d.OnPress(element.SavedReplyMenu, d.savedPicked)
	d.OnPress(element.Conversation, d.conversationPicked)
	d.OnSuggest(element.SavedReplyMenu, d.suggestSaved)
	d.OnSubmit(element.SavedReply, d.submitSaved)
}

// saving is what the modal is about, kept in its private metadata.
type saving struct {
	Project string `json:"project"`
	// Channel and Thread say where; empty where a conversation is to be chosen, which may be one of the channel From.
	Channel string `json:"channel,omitempty"`
	Thread  string `json:"thread,omitempty"`
	From    string `json:"from,omitempty"`
	// Operator is in whose name the modal says that it will be sent.
	Operator string `json:"operator"`
	// Words are what is looked for.
	Words string `json:"words,omitempty"`
	// Fill counts how often the text was filled in: Slack shows another text only in an input with another id. For is whose id stands in it, Of
	// the conversation that was chosen then.
	Fill int    `json:"fill,omitempty"`
	For  string `json:"for,omitempty"`
	Of   string `json:"of,omitempty"`
}

func (s saving) metadata() string {
	raw, err := json.Marshal(s)
	if err != nil {
		return "" // strings and a number can always be written
	}
	return string(raw)
}

// block is the id of the input with the text.
func (s saving) block() string { return element.SavedReplyText + ":" + strconv.Itoa(s.Fill) }

func savingOf(v *inbound.View) (s saving, ok bool) {
	ok = v != nil && json.Unmarshal([]byte(v.PrivateMetadata), &s) == nil && s.Project != ""
	return s, ok
}

// maxWords is how many characters of what is looked for are used.
const maxWords = 100

func (d *Dialogs) savedInThread(ctx context.Context, r Request) {
	thread := r.ThreadTS
	if thread == "" {
		thread = r.MessageTS // a head without replies names no thread
	}
	d.Open(ctx, r, func(ctx context.Context) slack.ModalViewRequest {
		talk, say := d.talkAt(ctx, r, r.Channel, thread)
		if say != "" {
			return view.Told(r.Lang, say)
		}
		return d.saved(ctx, r, saving{Project: talk.project.ID, Channel: r.Channel, Thread: thread})
	})
}

// commandReply opens the modal for the project of the channel, or asks which one it is about.
func (d *Dialogs) commandReply(ctx context.Context, r Request) {
	words := cut(r.Text, maxWords)
	projects, ok := d.theirs(ctx, r)
	if !ok {
		return
	}
	projects = slices.DeleteFunc(projects, func(p view.Project) bool { return p.Operator == "" })
	here := slices.DeleteFunc(slices.Clone(projects), func(p view.Project) bool { return p.Settings.GetChannel() != d.latest(r.Team, r.Channel) })
	switch {
	case len(projects) == 0:
		d.Tell(ctx, r, view.Say(r.Lang, view.NotLinked))
	case len(projects) == 1:
		d.openSaved(ctx, r, saving{Project: projects[0].ID, Words: words, From: r.Channel})
	case len(here) == 1:
		d.openSaved(ctx, r, saving{Project: here[0].ID, Words: words, From: r.Channel})
	default:
		d.Tell(ctx, r, view.ChooseProjectWith(r.Lang, element.SavedReply, projects, words))
	}
}

func (d *Dialogs) openSaved(ctx context.Context, r Request, about saving) {
	d.Open(ctx, r, func(ctx context.Context) slack.ModalViewRequest { return d.saved(ctx, r, about) })
}

// saved is the modal as it opens. Where one saved reply alone fits to the words, it stands in it.
func (d *Dialogs) saved(ctx context.Context, r Request, about saving) slack.ModalViewRequest {
	form, open, say := d.savedForm(ctx, r, &about)
	if say != "" {
		return view.Told(r.Lang, say)
	}
	if about.Words != "" && len(form.Saved) == 1 && !form.More {
		form.Picked = form.Saved[0]
	}
	return d.filledForm(r, about, form, open)
}

// savedForm gathers what the modal shows.
func (d *Dialogs) savedForm(ctx context.Context, r Request, about *saving) (form view.SavedReplyForm, open []*adminv1.Conversation, say view.Saying) {
	p, err := d.project(ctx, r.Person, about.Project)
	if err != nil {
		return form, nil, d.failed(r, "saved replies", err)
	}
	if say := d.mayNotSend(r.Team, p, about.Channel); say != "" {
		return form, nil, say
	}
	about.Operator = p.Operator
	if form, err = d.found(ctx, r, about.Project, about.Words); err != nil {
		return form, nil, d.failed(r, "saved replies", err)
	}
	form.Project = p
	if about.Thread == "" {
		r.Channel = about.From
		if open, err = d.assignable(ctx, r, p); err != nil {
			return form, nil, d.failed(r, "saved replies", err)
		}
		if form.Conversations = open; len(open) == 0 {
			return form, nil, view.NoOpenConversations
		}
		return form, open, ""
	}
	record, err := d.Thread(ctx, r.Team, about.Channel, about.Thread)
	if err != nil || record == nil {
		return form, nil, view.TryAgain
	}
	form.Customer = record.GetCustomer()
	return form, nil, ""
}

// found answers the saved replies that fit to words; all of them where none does, which is said.
func (d *Dialogs) found(ctx context.Context, r Request, project, words string) (form view.SavedReplyForm, err error) {
	form.Words = words
	if form.Saved, form.More, err = d.savedReplies(ctx, r.Person, project, words); err != nil || words == "" || len(form.Saved) > 0 {
		return form, err
	}
	form.NoneFound = true
	form.Saved, form.More, err = d.savedReplies(ctx, r.Person, project, "")
	return form, err
}

// savedReplies answers the first ones of a project that fit to words, by title; more says that there are others.
func (d *Dialogs) savedReplies(ctx context.Context, p Person, project, words string) (found []*settingsv1.SavedReply, more bool, err error) {
	answer, err := d.Router.SavedReplies.ListSavedReplies(routerapi.As(ctx, p.Team, p.Member), &settingsv1.ListSavedRepliesRequest{
		Parent: "projects/" + project, PageSize: view.MostInMenu, Query: cut(words, maxWords),
	})
	if err != nil {
		return nil, false, fmt.Errorf("list the saved replies of project %s: %w", project, err)
	}
	return answer.GetSavedReplies(), answer.GetNextPageToken() != "", nil
}

// filledForm is the modal with the saved reply that is picked in it, made out to the customer as far as that is known.
func (d *Dialogs) filledForm(r Request, about saving, form view.SavedReplyForm, open []*adminv1.Conversation) slack.ModalViewRequest {
	customer := view.CustomerID(form.Customer)
	if i := slices.IndexFunc(open, func(c *adminv1.Conversation) bool { return view.ThreadValue(c) == form.Conversation }); i >= 0 {
		customer = view.CustomerOf(open[i])
	}
	if form.Picked != nil {
		about.Fill++
		form.Text = view.Filled(form.Picked.GetText(), customer, form.Project.Operator, form.Project.OperatorName)
		if about.For, about.Of = "", form.Conversation; strings.Contains(form.Picked.GetText(), view.CustomerPlace) {
			about.For = customer
		}
	}
	form.TextBlock, form.About = about.block(), about.metadata()
	return view.SavedReply(r.Lang, form)
}

// savedPicked puts the saved reply that was picked into the text.
func (d *Dialogs) savedPicked(ctx context.Context, r Request) { d.refill(ctx, r, true) }

// conversationPicked makes a text out to another customer, where it names one.
func (d *Dialogs) conversationPicked(ctx context.Context, r Request) { d.refill(ctx, r, false) }

func (d *Dialogs) refill(ctx context.Context, r Request, picked bool) {
	about, ok := savingOf(r.View)
	if !ok || r.View.CallbackID != element.SavedReply {
		return
	}
	var reply *settingsv1.SavedReply
	if id := only(filled(r, element.SavedReplyMenu)); id != "" {
		answer, err := d.Router.SavedReplies.GetSavedReply(routerapi.As(ctx, r.Team, r.Member), &settingsv1.GetSavedReplyRequest{Name: "projects/" + about.Project + "/savedReplies/" + id})
		if err != nil {
			d.insteadOf(ctx, r, d.failed(r, "read a saved reply", err))
			return
		}
		reply = answer.GetSavedReply()
	}
	if reply == nil || !picked && !strings.Contains(reply.GetText(), view.CustomerPlace) {
		return // what stands in the text goes to any customer
	}
	form, open, say := d.savedForm(ctx, r, &about)
	if say != "" {
		d.insteadOf(ctx, r, say)
		return
	}
	form.Picked, form.Conversation = reply, only(filled(r, element.Conversation))
	d.replace(ctx, r, d.filledForm(r, about, form, open))
}

// insteadOf says, in place of a modal in which somebody may have written something, why it is no more. What they wrote they get back in the app's own conversation with them;
// where that cannot be, the modal stays.
func (d *Dialogs) insteadOf(ctx context.Context, r Request, say view.Saying) {
	text := only(filled(r, element.SavedReplyText))
	if !plain.Blank(text) {
		if err := d.Slack(r.Team).Direct(ctx, r.Member, view.Say(r.Lang, say).Keeping(text, r.Lang)); err != nil {
			d.Log.WarnContext(ctx, "a text was not given back, its modal stays", "team", r.Team, "member", r.Member, "err", err)
			return
		}
	}
	d.replace(ctx, r, view.Told(r.Lang, say))
}

// suggestSaved fills the menu where there are too many saved replies for one.
func (d *Dialogs) suggestSaved(ctx context.Context, r Request) []*slack.OptionBlockObject {
	about, ok := savingOf(r.View)
	if !ok {
		return nil
	}
	found, _, err := d.savedReplies(ctx, r.Person, about.Project, r.Text)
	if err != nil {
		d.failed(r, "suggest saved replies", err)
		return nil
	}
	return view.SavedReplyOptions(found)
}

// cut answers at most n characters.
func cut(s string, n int) string {
	if all := []rune(strings.TrimSpace(s)); len(all) > n {
		return string(all[:n])
	}
	return strings.TrimSpace(s)
}
