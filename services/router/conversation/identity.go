// Package conversation knows which conversation an event belongs to: customers with their aliases, and threads.
package conversation

import (
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// Conversation is a customer of a project.
type Conversation struct {
	Project string
	// ID is the token of the identity under which the customer was first seen.
	ID string
	// Record is what has been decided; never nil.
	Record *eventv1.ConversationRecord
	// Revision grows with every change of the record.
	Revision uint64
	// Origin is the conversation whose thread it was found by; it never changes for a thread, whatever is merged later.
	Origin string
}

// CustomerID answers the id that KARTE's calls take for c: the member's, or the visitor's while anonymous.
func CustomerID(c *eventv1.Customer) string {
	if c.GetUserId() != "" {
		return c.GetUserId()
	}
	return c.GetVisitorId()
}

// identities answers the tokens under which a customer may be known; a token is empty when the event has no such id.
func identities(project string, c *eventv1.Customer) (member, visitor string) {
	user, guest := c.GetUserId(), c.GetVisitorId()
	if strings.HasPrefix(user, "vis-") { // KARTE's own way of naming an anonymous customer where only one id fits
		if guest == "" {
			guest = user
		}
		user = ""
	}
	if user != "" {
		member = bus.Token(project + "\x00member\x00" + user)
	}
	if guest != "" {
		visitor = bus.Token(project + "\x00visitor\x00" + guest)
	}
	return member, visitor
}

// known is a conversation that an identity leads to.
type known struct {
	id       string
	record   *eventv1.ConversationRecord
	revision uint64
}

// plan is what has to be written so that an event's identities lead to one conversation.
type plan struct {
	id string
	// record is set when the conversation itself is new or changes.
	record *eventv1.ConversationRecord
	// aliases are identities that are to point to it.
	aliases []string
	// ended is the conversation that the aliases led to before.
	ended *known
	// merged is an anonymous conversation that ends because its customer turned out to be a member who has one.
	merged *known
}

// join decides which conversation an event belongs to. byMember and byVisitor are what its identities lead to so far.
//
// A visitor id can precede different members (shared devices), and two members are never merged, so a member id always
// beats a visitor id.
func join(member, visitor string, byMember, byVisitor *known, c *eventv1.Customer) plan {
	switch {
	case byMember != nil && byVisitor == nil:
		p := plan{id: byMember.id}
		if visitor != "" {
			p.aliases = []string{visitor}
		}
		return p
	case byMember != nil && byVisitor.id != byMember.id && mayBeOf(byVisitor, c) &&
		byMember.record.GetChannel() == "" && byVisitor.record.GetChannel() != "":
		// The member is known only from an assignment or the like: the thread there is stays theirs.
		record := proto.CloneOf(byVisitor.record)
		record.Customer.UserId = c.GetUserId()
		if byMember.record.GetAssignee() != nil {
			record.Assignee = byMember.record.GetAssignee()
		}
		return plan{id: byVisitor.id, record: record, aliases: []string{byMember.id}, ended: byMember}
	case byMember != nil && byVisitor.id != byMember.id && mayBeOf(byVisitor, c):
		return plan{id: byMember.id, aliases: []string{byVisitor.id}, ended: byVisitor, merged: byVisitor}
	case byMember != nil:
		return plan{id: byMember.id}
	case byVisitor != nil && member == "":
		return plan{id: byVisitor.id}
	case byVisitor != nil && mayBeOf(byVisitor, c):
		record := proto.CloneOf(byVisitor.record)
		record.Customer.UserId = c.GetUserId()
		return plan{id: byVisitor.id, record: record, aliases: []string{member}}
	}
	p := plan{id: member, record: &eventv1.ConversationRecord{Customer: &eventv1.Customer{UserId: c.GetUserId(), VisitorId: c.GetVisitorId()}}}
	if member == "" {
		p.id = visitor
		p.record.Customer = &eventv1.Customer{VisitorId: visitorID(c)}
	} else if visitor != "" && byVisitor == nil {
		p.aliases = []string{visitor}
	}
	return p
}

// mayBeOf reports whether a conversation is nobody's yet, or is c's already: whoever wrote that may have stopped before the
// member's own identity led there.
func mayBeOf(k *known, c *eventv1.Customer) bool {
	return mayBe(k.record.GetCustomer().GetUserId(), c)
}

func mayBe(user string, c *eventv1.Customer) bool { return user == "" || user == c.GetUserId() }

func visitorID(c *eventv1.Customer) string {
	if c.GetVisitorId() != "" {
		return c.GetVisitorId()
	}
	return c.GetUserId()
}
