package view

import (
	"slices"
	"strings"

	"github.com/slack-go/slack"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/element"
)

// OperatorID is the last part of an operator's name.
func OperatorID(o *settingsv1.Operator) string {
	_, id, _ := strings.Cut(o.GetName(), "/operators/")
	return id
}

// Free answers the operators that a member may link themselves to: nobody else's, and no bots.
func Free(operators []*settingsv1.Operator, member string) []*settingsv1.Operator {
	return slices.DeleteFunc(slices.Clone(operators), func(o *settingsv1.Operator) bool {
		return o.GetBot() || o.GetSlackMember() != "" && o.GetSlackMember() != member
	})
}

// Personal is the modal in which a member links themselves to an operator, one of operators. note is said first, nothing when empty.
func Personal(lang string, p Project, operators []*settingsv1.Operator, note Saying) slack.ModalViewRequest {
	w := texts.In(lang)
	modal := slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: element.PersonalSettings, PrivateMetadata: p.ID, Title: plain(w.Say("personal_title")), Close: plain(w.Say("modal_close")),
	}
	name := ""
	if p.Operator != "" {
		name = named(p.OperatorName, p.Operator)
	}
	var all []slack.Block
	if note != "" {
		all = append(all, paragraph(w.Say(string(note), "Operator", name)))
	}
	all = append(all, small(w.Say("home_project", "Project", p.ID)))
	if p.Operator != "" {
		all = append(all, paragraph(w.Say("personal_linked", "Operator", name)), linkButtons(lang, p))
	} else {
		all = append(all, paragraph(w.Say("personal_not_linked")))
	}
	switch free := Free(operators, ""); {
	case !p.MayLink():
		all = append(all, paragraph(w.Say(string(NoLinking))))
	case len(free) == 0 && p.Operator == "":
		all = append(all, paragraph(w.Say("personal_nobody_free")))
	default:
		all = append(all, input(element.Operator, w.Say("personal_pick"), false, OperatorMenu(lang, choosable(operators, p.Operator), p.Operator)), small(w.Say("personal_hint")))
		modal.Submit = plain(w.Say("modal_save"))
	}
	modal.Blocks = blocks(all...)
	return modal
}

// choosable are the free ones and the member's own.
func choosable(operators []*settingsv1.Operator, own string) []*settingsv1.Operator {
	return slices.DeleteFunc(slices.Clone(operators), func(o *settingsv1.Operator) bool {
		return o.GetBot() || o.GetSlackMember() != "" && OperatorID(o) != own
	})
}

func linkButtons(lang string, p Project) *slack.ActionBlock {
	w := texts.In(lang)
	buttons := []slack.BlockElement{button(element.TestLink, p.ID, w.Say("personal_test"))}
	if p.MayLink() {
		end := button(element.Unlink, p.ID, w.Say("personal_unlink"))
		end.Style = slack.StyleDanger
		end.Confirm = &slack.ConfirmationBlockObject{
			Title: plain(w.Say("personal_unlink")), Text: plain(w.Say("personal_unlink_ask")), Confirm: plain(w.Say("personal_unlink")), Deny: plain(w.Say("modal_cancel")),
		}
		buttons = append(buttons, end)
	}
	return &slack.ActionBlock{Type: slack.MBTAction, Elements: &slack.BlockElements{ElementSet: buttons}}
}

// OperatorMenu is a menu of operators; where there are too many for one it asks for those that fit to what is typed.
func OperatorMenu(lang string, operators []*settingsv1.Operator, chosen string) *slack.SelectBlockElement {
	options := OperatorOptions(operators)
	menu := choice(element.Operator, options, chosen)
	if len(options) > MostInMenu {
		none := 0
		menu.Type, menu.Options, menu.MinQueryLength = slack.OptTypeExternal, nil, &none
	}
	menu.Placeholder = plain(texts.In(lang).Say("personal_placeholder"))
	return menu
}

// OperatorOptions are the options of such a menu.
func OperatorOptions(operators []*settingsv1.Operator) []*slack.OptionBlockObject {
	var options []*slack.OptionBlockObject
	for _, o := range operators {
		options = append(options, option(OperatorID(o), named(o.GetDisplayName(), OperatorID(o))))
	}
	return options
}

// Suggested are at most 100 operators whose name or id contains what was typed.
func Suggested(operators []*settingsv1.Operator, typed string) []*slack.OptionBlockObject {
	typed = strings.ToLower(strings.TrimSpace(typed))
	fit := slices.DeleteFunc(slices.Clone(operators), func(o *settingsv1.Operator) bool {
		return !strings.Contains(strings.ToLower(o.GetDisplayName()+" "+OperatorID(o)), typed)
	})
	return OperatorOptions(fit[:min(len(fit), MostInMenu)])
}
