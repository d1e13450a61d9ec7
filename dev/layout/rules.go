package layout

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// A Rule answers one sentence for everything in p that breaks it, written for whoever has to mend it.
type Rule func(p Package) []string

const (
	slackGo    = "github.com/slack-go/slack"
	goRedis    = "github.com/redis/go-redis"
	natsServer = "github.com/nats-io/nats-server"
	miniredis  = "github.com/alicebob/miniredis"
	talkctl    = "services/router/cmd/talkctl"
)

// service answers the service that rel belongs to; ok is false for everything else.
func service(rel string) (name string, ok bool) {
	rest, ok := strings.CutPrefix(rel, "services/")
	name, _, _ = strings.Cut(rest, "/")
	return name, ok
}

// ServicesApart wants that no service imports another, not even in its tests.
func ServicesApart(p Package) []string {
	own, ok := service(p.Rel())
	if !ok {
		return nil
	}
	var broken []string
	for _, path := range p.AllImports() {
		other, ok := service(strings.TrimPrefix(path, Root))
		if ok && strings.HasPrefix(path, Root) && other != own {
			broken = append(broken, fmt.Sprintf("%s imports %s: services never import each other; put what both need into internal/ "+
				"under a name of its own, or, if it crosses a process, into proto/", p.Rel(), path))
		}
	}
	return broken
}

// SharedKnowsNoService wants that what services share does not depend on one of them.
func SharedKnowsNoService(p Package) []string {
	if !within(p.Rel(), "internal") && !within(p.Rel(), "proto") {
		return nil
	}
	var broken []string
	for _, path := range p.AllImports() {
		if strings.HasPrefix(path, Root+"services/") || strings.HasPrefix(path, Root+"dev/") {
			broken = append(broken, fmt.Sprintf("%s imports %s: what is shared must not know who shares it; "+
				"pass in what it needs, or move it into that service", p.Rel(), path))
		}
	}
	return broken
}

// TestServersStayOut wants the test servers in tests and dev only, and in no service's binary by any way round.
func TestServersStayOut(p Package) []string {
	if within(p.Rel(), "dev") {
		return nil
	}
	var broken []string
	for _, path := range p.Imports {
		if belongsTo(path, natsServer, miniredis) {
			broken = append(broken, fmt.Sprintf("%s imports %s outside of its tests: that server is for *_test.go and the dev module; "+
				"a service talks to one over NATS_URL or REDIS_URL", p.Rel(), path))
		}
	}
	if p.Name == "main" && len(broken) == 0 {
		for _, path := range p.Deps {
			if belongsTo(path, natsServer, miniredis) {
				return []string{fmt.Sprintf("the program %s contains %s through something it imports: find it with `go list -deps` and keep it to tests", p.Rel(), path)}
			}
		}
	}
	return broken
}

// SlackGoAtTheGateway wants the Slack library in slack-gateway only.
func SlackGoAtTheGateway(p Package) []string {
	return only(p, slackGo, "that library belongs to services/slack-gateway alone; elsewhere speak in the facts and commands of "+
		"proto/slacktalk/event/v1", "services/slack-gateway")
}

// RedisAtTheRouter wants the Redis client in router, and in dev for the suites that look into the store.
func RedisAtTheRouter(p Package) []string {
	return only(p, goRedis, "services/router alone holds Redis; elsewhere ask it over gRPC, or read what it publishes",
		"services/router", "dev")
}

// TalkctlKnowsTheContract wants that the command-line client is made of what every client has: the contracts alone. Its tests may start a router.
// What it does at NATS itself, for whoever runs the installation, is in a package of its own.
func TalkctlKnowsTheContract(p Package) []string {
	if !within(p.Rel(), talkctl) {
		return nil
	}
	var broken []string
	for _, path := range p.Imports {
		atNATS := within(p.Rel(), talkctl+"/topology") && within(path, Root+"internal")
		if strings.HasPrefix(path, Root) && !within(path, Root+"proto") && !within(path, Root+talkctl) && !atNATS {
			broken = append(broken, fmt.Sprintf("%s imports %s: talkctl knows of this repository only what any client does, the contracts in proto/", p.Rel(), path))
		}
	}
	return broken
}

// NamedAfterSomething wants that a package's name says what it is about.
func NamedAfterSomething(p Package) []string {
	vague := []string{"common", "util", "utils", "helper", "helpers", "shared", "misc", "base", "lib"}
	if slices.Contains(vague, p.Name) || slices.Contains(vague, path.Base(p.Rel())) {
		return []string{fmt.Sprintf("%s is called %s: name it after the one thing it is about; if there are two, make two packages",
			p.Rel(), p.Name)}
	}
	return nil
}

// only answers the imports of module in p unless p lies in one of the allowed places.
func only(p Package, module, why string, allowed ...string) []string {
	if slices.ContainsFunc(allowed, func(dir string) bool { return within(p.Rel(), dir) }) {
		return nil
	}
	var broken []string
	for _, path := range p.AllImports() {
		if belongsTo(path, module) {
			broken = append(broken, fmt.Sprintf("%s imports %s: %s", p.Rel(), path, why))
		}
	}
	return broken
}
