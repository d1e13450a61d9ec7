package slackstandin

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
)

// Shortcut is one of those that the app's manifest adds to the menus of people.
type Shortcut struct {
	Type       string `json:"type"` // "message" or "global", as in a manifest
	CallbackID string `json:"callback_id"`
	Name       string `json:"name"`
}

// SlashCommand is one of those that the app's manifest adds.
type SlashCommand struct {
	Command     string `json:"command"`
	Description string `json:"description"`
	UsageHint   string `json:"usage_hint"`
}

// SetMenus says what the app's manifest adds to the workspace. Shortcuts and commands that are not named work too.
func (s *Server) SetMenus(shortcuts []Shortcut, commands []SlashCommand) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shortcuts, s.commands = slices.Clone(shortcuts), slices.Clone(commands)
	s.touch()
}

// MessageShortcut sends the message_action of a member who picks a shortcut in the menu of a message.
func (s *Server) MessageShortcut(ctx context.Context, member, channelID, ts, callbackID string) (Answer, error) {
	s.mu.Lock()
	payload, err := s.shortcutPayload(member, channelID, ts, callbackID)
	s.opensIn(ctx, payload["trigger_id"])
	target := s.urls.Interactions
	s.touch()
	s.mu.Unlock()
	if err != nil {
		return Answer{}, fmt.Errorf("shortcut %s: %w", callbackID, err)
	}
	return s.interact(ctx, target, payload)
}

func (s *Server) shortcutPayload(member, channelID, ts, callbackID string) (map[string]any, error) {
	c, m, err := s.at(channelID, ts)
	if err != nil {
		return nil, err
	}
	payload, err := s.payload("message_action", member)
	if err != nil {
		return nil, err
	}
	now := s.cfg.Clock().UnixMicro()
	payload["callback_id"], payload["action_ts"] = callbackID, fmt.Sprintf("%d.%06d", now/1e6, now%1e6)
	payload["channel"] = map[string]any{"id": c.ID, "name": c.shownName()}
	payload["message_ts"], payload["message"] = ts, m.withoutMetadata()
	payload["response_url"] = s.newHook(responseHook{channel: c.ID, user: member, ts: ts})
	return payload, nil
}

// shownName is the name of a channel in interactions.
func (c *channel) shownName() string {
	if c.DM {
		return "directmessage"
	}
	return c.Name
}

// GlobalShortcut sends the shortcut payload of a member who picks one in the menu of the composer.
func (s *Server) GlobalShortcut(ctx context.Context, member, callbackID string) (Answer, error) {
	s.mu.Lock()
	payload, err := s.payload("shortcut", member)
	s.opensIn(ctx, payload["trigger_id"])
	target := s.urls.Interactions
	now := s.cfg.Clock().UnixMicro()
	s.touch()
	s.mu.Unlock()
	if err != nil {
		return Answer{}, fmt.Errorf("shortcut %s: %w", callbackID, err)
	}
	payload["callback_id"], payload["action_ts"] = callbackID, fmt.Sprintf("%d.%06d", now/1e6, now%1e6)
	return s.interact(ctx, target, payload)
}

// Suggest asks the app for the options of an external_select while a member types in it: a block_suggestion. The answer's body has
// options or option_groups.
func (s *Server) Suggest(ctx context.Context, click Click) (Answer, error) {
	s.mu.Lock()
	payload, err := s.suggestionPayload(click)
	target := s.urls.Interactions
	s.mu.Unlock()
	if err != nil {
		return Answer{}, fmt.Errorf("suggest for %s: %w", click.ActionID, err)
	}
	return s.interact(ctx, target, payload)
}

func (s *Server) suggestionPayload(click Click) (map[string]any, error) {
	payload, err := s.payload("block_suggestion", click.Member)
	if err != nil {
		return nil, err
	}
	delete(payload, "trigger_id")
	var blocks json.RawMessage
	if click.ViewID != "" {
		blocks, err = s.viewClick(payload, click)
	} else {
		blocks, err = s.messageClick(payload, click)
	}
	if err != nil {
		return nil, err
	}
	delete(payload, "response_url")
	element, err := pressed(blocks, click)
	if err != nil {
		return nil, err
	}
	payload["action_id"], payload["block_id"], payload["value"] = element["action_id"], element["block_id"], click.Value
	return payload, nil
}

// Dismiss removes an ephemeral message, as the member who sees it may. The app is told nothing.
func (s *Server) Dismiss(member, channelID, ts string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.findEphemeral(channelID, member, ts)
	if i < 0 {
		return fmt.Errorf("dismiss %s: %w", ts, apiError("message_not_found"))
	}
	s.ephemeral = slices.Delete(slices.Clone(s.ephemeral), i, i+1)
	s.touch()
	return nil
}
