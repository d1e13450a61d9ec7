package view

import (
	"strings"

	"github.com/slack-go/slack"

	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/element"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
)

// AssignTo is the modal in which a conversation gets another assignee.
func AssignTo(lang string, p Project, conversations []*adminv1.Conversation, operators []*settingsv1.Operator) slack.ModalViewRequest {
	w := texts.In(lang)
	var options []*slack.OptionBlockObject
	for _, c := range conversations[:min(len(conversations), MostInMenu)] {
		text := Conversation(lang, c)
		if c.GetAssignee() != "" {
			text += w.Say("separator") + named(c.GetAssigneeName(), c.GetAssignee())
		}
		options = append(options, option(ThreadValue(c), text))
	}
	menu := choice(element.Conversation, options, "")
	menu.Placeholder = plain(w.Say("assign_conversation_placeholder"))
	return slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: element.AssignConversation, PrivateMetadata: p.ID, Title: plain(w.Say("assign_title")), Submit: plain(w.Say("assign_submit")), Close: plain(w.Say("modal_cancel")),
		Blocks: blocks(small(w.Say("home_project", "Project", p.ID)),
			input(element.Conversation, w.Say("assign_conversation"), false, menu),
			input(element.Operator, w.Say("assign_operator"), false, OperatorMenu(lang, operators, ""))),
	}
}

// ThreadValue names the thread of a conversation in the value of an option.
func ThreadValue(c *adminv1.Conversation) string { return c.GetChannel() + ":" + c.GetThreadTs() }

// ChooseProject asks which of several projects a command is about, with a button for each.
func ChooseProject(lang, action string, projects []Project) render.Message {
	return ChooseProjectWith(lang, action, projects, "")
}

// ChooseProjectWith lets the buttons hold words behind the project, as many as they can.
func ChooseProjectWith(lang, action string, projects []Project, words string) render.Message {
	m := message(texts.In(lang).Say("choose_project"))
	for _, p := range projects[:min(len(projects), 20)] {
		// The ids of the elements of one block have to differ, so each has a block.
		one := []slack.BlockElement{button(action, strings.TrimSpace(p.ID+" "+words), render.Label(p.ID, maxOption))}
		m.Blocks = append(m.Blocks, &slack.ActionBlock{Type: slack.MBTAction, Elements: &slack.BlockElements{ElementSet: one}})
	}
	return m
}

// Status says how things are for a member, with a line for each project.
func Status(lang string, projects []Project) render.Message {
	w := texts.In(lang)
	text := w.Say("status_title")
	for _, p := range projects[:min(len(projects), mostProjects)] {
		who := w.Say("home_not_linked")
		if p.Operator != "" {
			who = w.Say("home_linked", "Operator", named(p.OperatorName, p.Operator))
		}
		text += "\n\n" + w.Say("home_project", "Project", p.ID) + "\n" + who + "\n" + Summary(lang, p) + "\n" + State(lang, p)
	}
	return message(text)
}
