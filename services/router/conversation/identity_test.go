package conversation

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

func person(user, visitor string) *eventv1.Customer {
	return &eventv1.Customer{UserId: user, VisitorId: visitor}
}

func leadsTo(id, user, visitor string) *known {
	return &known{id: id, record: &eventv1.ConversationRecord{Customer: person(user, visitor)}}
}

func TestIdentities(t *testing.T) {
	member, visitor := identities("demo", person("member-1", "vis-1"))
	for name, c := range map[string]struct {
		customer        *eventv1.Customer
		member, visitor string
	}{
		"member":                     {person("member-1", ""), member, ""},
		"visitor":                    {person("", "vis-1"), "", visitor},
		"visitor in the member's id": {person("vis-1", ""), "", visitor},
		"visitor in both":            {person("vis-2", "vis-1"), "", visitor},
		"nobody":                     {person("", ""), "", ""},
		"not told":                   {nil, "", ""},
	} {
		if m, v := identities("demo", c.customer); m != c.member || v != c.visitor {
			t.Errorf("%s: %q, %q; want %q, %q", name, m, v, c.member, c.visitor)
		}
	}
	if m, v := identities("other", person("member-1", "vis-1")); m == member || v == visitor {
		t.Error("two projects share an identity")
	}
	if m, _ := identities("demo", person("1", "")); m == member {
		t.Error("two members share an identity")
	}
	if m, v := identities("demo", person("same", "same")); m == v {
		t.Error("a member and a visitor share an identity")
	}
}

func TestCustomerID(t *testing.T) {
	if got := CustomerID(person("member-1", "vis-1")); got != "member-1" {
		t.Errorf("member: %q", got)
	}
	if got := CustomerID(person("", "vis-1")); got != "vis-1" {
		t.Errorf("visitor: %q", got)
	}
}

func TestJoin(t *testing.T) {
	for name, c := range map[string]struct {
		member, visitor     string
		byMember, byVisitor *known
		customer            *eventv1.Customer
		id                  string
		record              *eventv1.Customer
		aliases             []string
		merged              string
	}{
		"new visitor":                    {visitor: "V", customer: person("", "vis-1"), id: "V", record: person("", "vis-1")},
		"new visitor in the member's id": {visitor: "V", customer: person("vis-1", ""), id: "V", record: person("", "vis-1")},
		"new member":                     {member: "M", customer: person("m", ""), id: "M", record: person("m", "")},
		"new member with a visitor id": {member: "M", visitor: "V", customer: person("m", "vis-1"),
			id: "M", record: person("m", "vis-1"), aliases: []string{"V"}},
		"known visitor":       {visitor: "V", byVisitor: leadsTo("V", "", "vis-1"), customer: person("", "vis-1"), id: "V"},
		"known member":        {member: "M", byMember: leadsTo("M", "m", ""), customer: person("m", ""), id: "M"},
		"visitor of a member": {visitor: "V", byVisitor: leadsTo("M", "m", ""), customer: person("", "vis-1"), id: "M"},
		"known member on a new device": {member: "M", visitor: "V2", byMember: leadsTo("M", "m", "vis-1"),
			customer: person("m", "vis-2"), id: "M", aliases: []string{"V2"}},
		"known member on a known device": {member: "M", visitor: "V", byMember: leadsTo("M", "m", ""), byVisitor: leadsTo("M", "m", ""),
			customer: person("m", "vis-1"), id: "M"},
		"visitor becomes a member in mid-chat": {member: "M", visitor: "V", byVisitor: leadsTo("V", "", "vis-1"),
			customer: person("m", "vis-1"), id: "V", record: person("m", "vis-1"), aliases: []string{"M"}},
		"the same, stopped half-way": {member: "M", visitor: "V", byVisitor: leadsTo("V", "m", "vis-1"),
			customer: person("m", "vis-1"), id: "V", record: person("m", "vis-1"), aliases: []string{"M"}},
		"visitor turns out to be a known member": {member: "M", visitor: "V", byMember: leadsTo("M", "m", ""), byVisitor: leadsTo("V", "", "vis-1"),
			customer: person("m", "vis-1"), id: "M", aliases: []string{"V"}, merged: "V"},
		"two conversations became the same member's at once": {member: "M", visitor: "V", byMember: leadsTo("M", "m", ""), byVisitor: leadsTo("V", "m", "vis-1"),
			customer: person("m", "vis-1"), id: "M", aliases: []string{"V"}, merged: "V"},
		"new member on a shared device": {member: "N", visitor: "V", byVisitor: leadsTo("M", "m", "vis-1"),
			customer: person("n", "vis-1"), id: "N", record: person("n", "vis-1")},
		"known member on a shared device": {member: "N", visitor: "V", byMember: leadsTo("N", "n", ""), byVisitor: leadsTo("M", "m", "vis-1"),
			customer: person("n", "vis-1"), id: "N"},
	} {
		p := join(c.member, c.visitor, c.byMember, c.byVisitor, c.customer)
		if p.id != c.id || !slices.Equal(p.aliases, c.aliases) {
			t.Errorf("%s: %q, aliases %q; want %q, %q", name, p.id, p.aliases, c.id, c.aliases)
		}
		if (p.record != nil) != (c.record != nil) || !proto.Equal(p.record.GetCustomer(), c.record) {
			t.Errorf("%s: record %v, want %v", name, p.record, c.record)
		}
		if (p.merged != nil) != (c.merged != "") || p.merged != nil && p.merged.id != c.merged {
			t.Errorf("%s: merged %v, want %q", name, p.merged, c.merged)
		}
	}
}

// Whatever is known, a member's event never ends in another member's conversation, and that one never ends by it.
func TestJoinNeverMixesMembers(t *testing.T) {
	user := rapid.SampledFrom([]string{"", "m", "n"})
	rapid.Check(t, func(t *rapid.T) {
		var byMember, byVisitor *known
		member, visitor, customer := "", "", person("", "")
		if rapid.Bool().Draw(t, "is a member") {
			member, customer.UserId = "M", "m"
			if rapid.Bool().Draw(t, "member known") {
				byMember = leadsTo(rapid.SampledFrom([]string{"M", "V", "V0"}).Draw(t, "member's"), "m", "")
			}
		}
		if member == "" || rapid.Bool().Draw(t, "has a visitor id") {
			visitor, customer.VisitorId = "V", "vis-1"
			if rapid.Bool().Draw(t, "visitor known") {
				byVisitor = leadsTo(rapid.SampledFrom([]string{"V", "V0", "M"}).Draw(t, "visitor's"), user.Draw(t, "of"), "vis-1")
			}
		}
		p := join(member, visitor, byMember, byVisitor, customer)
		byOther := byVisitor != nil && byVisitor.record.GetCustomer().GetUserId() == "n"
		if member != "" && byOther && (byMember == nil || byMember.id != byVisitor.id) && (p.id == byVisitor.id && p.id != member || p.merged != nil) {
			t.Fatalf("%+v goes to another member: %+v", customer, p)
		}
	})
}
