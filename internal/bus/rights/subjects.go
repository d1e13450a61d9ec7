package rights

import (
	"fmt"
	"strings"

	"github.com/slacktalk/slacktalk/internal/bus"
)

// Grant is some subjects that a user may publish to, and what that is good for.
type Grant struct {
	For      string
	Subjects []string
}

// Publish answers everything that the user may publish to, requests of JetStream's API among it.
func (u User) Publish() []Grant {
	var all []Grant
	add := func(what string, subjects []string) {
		if len(subjects) > 0 {
			all = append(all, Grant{what, subjects})
		}
	}
	add("its messages and records", u.Publishes)
	add("what there is", []string{"$JS.API.INFO", "$JS.API.STREAM.INFO.*"})
	if u.Creates {
		add("creates what is missing", each("$JS.API.STREAM.CREATE.%s", bus.StreamNames()))
	}
	add("gives streams of an earlier version what they lack", each("$JS.API.STREAM.UPDATE.%s", u.Changes))
	add("reads single messages, from the leader: another replica may lag behind", each("$JS.API.STREAM.MSG.GET.%s", u.Reads))
	add("reads keys", u.keys())
	for _, p := range u.Consumes {
		add("consumes "+p.Of, p.consuming())
	}
	for _, g := range u.GivenUp {
		add("is told what JetStream itself gave up of "+g.Of, serving(bus.Advisories, bus.GivenUpQueue(g.Consumers), []string{bus.GivenUpFilter(g.Of)}))
	}
	for _, p := range u.Prepares {
		add("makes the consumers of "+p.Of, append(p.creating(), "$JS.API.CONSUMER.INFO."+p.Of+".*"))
	}
	for _, p := range u.Scans {
		add("reads through "+p.Of, append(p.creating(), "$JS.API.CONSUMER.MSG.NEXT."+p.Of+".*"))
	}
	for _, p := range u.Follows {
		add("reads through "+p.Of, append(p.creating(), "$JS.API.CONSUMER.MSG.NEXT."+p.Of+".*", "$JS.API.CONSUMER.DELETE."+p.Of+".*"))
	}
	for _, bucket := range u.Watches {
		add("reads and watches "+bucket, watching(bus.Bucket(bucket)))
	}
	add("lists consumers, for diagnostics", each("$JS.API.CONSUMER.LIST.%s", u.Lists))
	add("removes single messages", each("$JS.API.STREAM.MSG.DELETE.%s", u.Removes))
	add("erases keys", each("$JS.API.STREAM.PURGE.KV_%s", u.Purges))
	if u.Saves {
		add("snapshots of every stream, and back", []string{"$JS.API.STREAM.SNAPSHOT.*", "$JS.API.STREAM.RESTORE.*", "$JS.SNAPSHOT.ACK.>", "$JS.SNAPSHOT.RESTORE.>"})
	}
	return all
}

// Subscribe answers everything that the user may subscribe to, apart from what Hidden answers. Clients of version 0.1.0 have their answers sent to inboxes that bear nobody's name.
func (u User) Subscribe() []string {
	return append([]string{"_INBOX.>"}, u.Listens...)
}

// Hidden answers what the user never gets, under whatever pattern it subscribes: what JetStream and the services answer to the others, messages of their queues among it.
func (u User) Hidden() []string {
	var others []string
	for _, other := range Users() {
		if other.Name != u.Name {
			others = append(others, bus.InboxOf(other.Name)+".>")
		}
	}
	return others
}

func (u User) keys() []string {
	var subjects []string
	for _, p := range u.Keys {
		for _, filter := range p.Filters {
			subjects = append(subjects, fmt.Sprintf("$JS.API.DIRECT.GET.%s.$KV.%s.%s", bus.Bucket(p.Of), p.Of, filter))
		}
	}
	return subjects
}

// creating is by what consumers are created; the server holds them to the filter at its end.
func (p Part) creating() []string {
	return each("$JS.API.CONSUMER.CREATE."+p.Of+".*.%s", p.Filters)
}

// consuming is what serving all queues of a part takes.
func (p Part) consuming() []string { return serving(p.Of, "*", p.Filters) }

// serving is what serving a queue takes. Acknowledgements have two forms: the server's present one, and the one with domain and account that a later server will use.
func serving(stream, queue string, filters []string) []string {
	of, acks := stream+"."+queue, strings.TrimSuffix(stream+"."+queue, ".*")+".>"
	return append(each("$JS.API.CONSUMER.CREATE."+of+".%s", filters), "$JS.API.CONSUMER.INFO."+of, "$JS.API.CONSUMER.DELETE."+of, "$JS.API.CONSUMER.MSG.NEXT."+of,
		"$JS.ACK."+acks, "$JS.ACK.*.*."+acks)
}

func watching(stream string) []string {
	return []string{
		"$JS.API.DIRECT.GET." + stream + ".>", "$JS.API.CONSUMER.CREATE." + stream + ".>", "$JS.API.CONSUMER.INFO." + stream + ".*",
		"$JS.API.CONSUMER.DELETE." + stream + ".*", "$JS.FC." + stream + ".>", "$JS.FC.*.*." + stream + ".>",
	}
}

func each(format string, names []string) []string {
	var all []string
	for _, name := range names {
		all = append(all, fmt.Sprintf(format, name))
	}
	return all
}

// Configuration answers the users of a NATS server's configuration, the list inside of `authorization`. Passwords are variables of it.
func Configuration() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("  users = [")
	for _, u := range Users() {
		line("    {\n      # %s.", sentence(u.Does))
		line("      user: %s\n      password: $NATS_PASSWORD_%s", u.Name, strings.ToUpper(strings.ReplaceAll(u.Name, "-", "_")))
		line("      permissions {\n        publish { allow: [")
		for _, g := range u.Publish() {
			line("          # %s.", sentence(g.For))
			for _, s := range g.Subjects {
				line("          %q", s)
			}
		}
		line("        ] }\n        subscribe { allow: [")
		for _, s := range u.Subscribe() {
			line("          %q", s)
		}
		line("        ]\n        # The answers to everybody else.\n        deny: [")
		for _, s := range u.Hidden() {
			line("          %q", s)
		}
		line("        ] }")
		if u.Answers {
			line("        # Its answers go to whoever asked: one each, soon.\n        allow_responses: { max: 1, expires: \"1m\" }")
		}
		line("      }\n    }")
	}
	line("  ]")
	return b.String()
}

func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
