package layout

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// workspace answers the root folder and its packages.
func workspace(t *testing.T) (string, []Package) {
	t.Helper()
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	root, err := FindRoot(wd)
	if err != nil {
		t.Fatal(err)
	}
	packages, err := List(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	if len(packages) == 0 {
		t.Fatal("go list found no package, so nothing was checked")
	}
	return root, packages
}

func TestEveryPackageKeepsItsPlace(t *testing.T) {
	_, packages := workspace(t)
	rules := map[string]Rule{
		"services never import each other":               ServicesApart,
		"what services share knows none of them":         SharedKnowsNoService,
		"test servers are in tests and dev only":         TestServersStayOut,
		"the Slack library is in slack-gateway only":     SlackGoAtTheGateway,
		"the Redis client is in router only":             RedisAtTheRouter,
		"talkctl knows the contracts only":               TalkctlKnowsTheContract,
		"a package is named after the thing it is about": NamedAfterSomething,
	}
	for name, rule := range rules {
		t.Run(name, func(t *testing.T) {
			for _, p := range packages {
				for _, broken := range rule(p) {
					t.Error(broken)
				}
			}
		})
	}
}

func TestEveryPackageSaysWhatItIsAbout(t *testing.T) {
	_, packages := workspace(t)
	for _, p := range packages {
		ok, err := HasComment(p)
		if err != nil {
			t.Error(err)
		} else if !ok {
			t.Errorf("%s has no package comment: write one sentence above `package %s` saying what it is about; "+
				"if that needs an \"and\", it is two packages", p.Rel(), p.Name)
		}
	}
}

func TestEveryServiceHasAReadme(t *testing.T) {
	root, _ := workspace(t)
	modules, err := filepath.Glob(filepath.Join(root, "services", "*", "go.mod"))
	if err != nil || len(modules) == 0 {
		t.Fatalf("found no service in %s: %v", root, err)
	}
	for _, module := range modules {
		readme := filepath.Join(filepath.Dir(module), "README.md")
		if info, err := os.Stat(readme); err != nil || info.Size() == 0 {
			t.Errorf("services/%s has no README.md: say what goes in, what comes out, what it keeps, its settings, and how it fails",
				filepath.Base(filepath.Dir(module)))
		}
	}
}

// A rule that can never be broken would pass as well; so each is shown a package that breaks it and one that does not.
func TestRulesNoticeWhatTheyForbid(t *testing.T) {
	tests := []struct {
		name   string
		rule   Rule
		pkg    Package
		broken bool
	}{
		{"a service imports another", ServicesApart, Package{ImportPath: Root + "services/router/decide", Imports: []string{Root + "services/slack-gateway/render"}}, true},
		{"a service's test imports another", ServicesApart, Package{ImportPath: Root + "services/router", XTestImports: []string{Root + "services/ingest-karte"}}, true},
		{"a service imports itself", ServicesApart, Package{ImportPath: Root + "services/router", Imports: []string{Root + "services/router/decide", "fmt"}}, false},
		{"dev imports services", ServicesApart, Package{ImportPath: Root + "dev/stack", Imports: []string{Root + "services/router"}}, false},
		{"internal imports a service", SharedKnowsNoService, Package{ImportPath: Root + "internal/bus", Imports: []string{Root + "services/router/decide"}}, true},
		{"internal imports proto", SharedKnowsNoService, Package{ImportPath: Root + "internal/bus", Imports: []string{Root + "proto/slacktalk/event/v1"}}, false},
		{"a server in product code", TestServersStayOut, Package{ImportPath: Root + "internal/bus", Imports: []string{natsServer + "/v2/server"}}, true},
		{"a server in a test", TestServersStayOut, Package{ImportPath: Root + "internal/bus", TestImports: []string{natsServer + "/v2/server"}}, false},
		{"a server in dev", TestServersStayOut, Package{ImportPath: Root + "dev/stack", Imports: []string{miniredis + "/v2"}}, false},
		{"a server in a program, indirectly", TestServersStayOut, Package{ImportPath: Root + "services/router", Name: "main", Deps: []string{miniredis + "/v2"}}, true},
		{"slack-go in router", SlackGoAtTheGateway, Package{ImportPath: Root + "services/router", Imports: []string{slackGo}}, true},
		{"slack-go in the gateway", SlackGoAtTheGateway, Package{ImportPath: Root + "services/slack-gateway/post", Imports: []string{slackGo + "/slackevents"}}, false},
		{"go-redis in the gateway", RedisAtTheRouter, Package{ImportPath: Root + "services/slack-gateway", Imports: []string{goRedis + "/v9"}}, true},
		{"go-redis in router", RedisAtTheRouter, Package{ImportPath: Root + "services/router/store", Imports: []string{goRedis + "/v9"}}, false},
		{"talkctl imports the router", TalkctlKnowsTheContract, Package{ImportPath: Root + "services/router/cmd/talkctl/command", Imports: []string{Root + "services/router/settings"}}, true},
		{"talkctl imports internal", TalkctlKnowsTheContract, Package{ImportPath: Root + "services/router/cmd/talkctl", Imports: []string{Root + "internal/secret"}}, true},
		{"talkctl imports proto and itself", TalkctlKnowsTheContract, Package{ImportPath: Root + "services/router/cmd/talkctl", Imports: []string{Root + "proto/slacktalk/admin/v1", Root + "services/router/cmd/talkctl/render", "fmt"}}, false},
		{"a test of talkctl starts the router", TalkctlKnowsTheContract, Package{ImportPath: Root + "services/router/cmd/talkctl/command", TestImports: []string{Root + "services/router/api"}}, false},
		{"a package called util", NamedAfterSomething, Package{ImportPath: Root + "internal/util", Name: "util"}, true},
		{"a package called retry", NamedAfterSomething, Package{ImportPath: Root + "internal/retry", Name: "retry"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.rule(tt.pkg); (len(got) > 0) != tt.broken {
				t.Errorf("answers %q, want something: %t", strings.Join(got, "; "), tt.broken)
			}
		})
	}
}
