package render

import (
	"net/url"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// Sender is under whose name a message stands, in place of the app's.
type Sender struct {
	Name string
	// Picture is an address that Slack fetches; empty when there is none.
	Picture string
}

// behindName keeps a name from being taken for that of somebody in the workspace.
const behindName = " (KARTE)"

// senderOf answers under which name an operator's message stands; nil when KARTE did not say what they are called. In a name nothing stands for anything: what Slack
// could read as its own syntax is written otherwise.
func senderOf(op *eventv1.Operator) *Sender {
	name := strings.NewReplacer("<", "‹", ">", "›", "&", "＆", ":", "：").Replace(label(op.GetName(), maxName-len(behindName)))
	if name == "" {
		return nil
	}
	picture, _ := publicAddress(op.GetPictureUrl())
	return &Sender{Name: name + behindName, Picture: picture}
}

func (s *Sender) same(other *Sender) bool {
	return s == other || s != nil && other != nil && *s == *other
}

// shown answers the address of an image that Slack is asked to show, empty when it is only said where it is.
func (o Options) shown(address string) string {
	address, ok := publicAddress(address)
	if !ok || !o.Images.allow(address) {
		return ""
	}
	return address
}

// publicAddress returns an address that Slack can fetch: of a host on the internet that has a name, at the usual port.
func publicAddress(s string) (string, bool) {
	address, ok := webAddress(s)
	if !ok {
		return "", false
	}
	u, err := url.Parse(address)
	if err != nil || u.Port() != "" {
		return "", false
	}
	host := strings.ToLower(u.Hostname())
	last := host[strings.LastIndexByte(host, '.')+1:]
	if last == host || strings.ContainsAny(last, "0123456789") || slices.Contains([]string{"local", "localhost", "internal", "lan", "home", "arpa"}, last) {
		return "", false
	}
	return strings.NewReplacer("<", "%3C", ">", "%3E", `"`, "%22").Replace(address), true
}

// Images says of which hosts images are shown. The zero value is of all of them.
type Images struct {
	// Off turns them off.
	Off bool
	// Hosts are host names, or `*.` and a domain for all that are below it; empty is all.
	Hosts []string
}

func (i Images) allow(address string) bool {
	u, err := url.Parse(address)
	if err != nil || i.Off {
		return false
	}
	host := strings.ToLower(u.Hostname())
	return len(i.Hosts) == 0 || slices.ContainsFunc(i.Hosts, func(h string) bool {
		domain, below := strings.CutPrefix(strings.ToLower(h), "*.")
		return host == domain && !below || below && strings.HasSuffix(host, "."+domain)
	})
}

// Plain is the message without what Slack may refuse for reasons of its own: images that it cannot fetch, and a sender. Nothing that they say is lost: addresses and
// names stand in the words as well.
func (m Message) Plain() Message {
	plain := m
	plain.Sender = nil
	plain.Blocks = slices.DeleteFunc(slices.Clone(m.Blocks), func(b slack.Block) bool { return b.BlockType() == slack.MBTImage })
	return plain
}

// Images reports whether the message has any.
func (m Message) Images() bool {
	return slices.ContainsFunc(m.Blocks, func(b slack.Block) bool { return b.BlockType() == slack.MBTImage })
}
