package api

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

// linked links op0 to op6; the even ones are called 佐藤, the odd ones Sato.
func linked(t *testing.T) *running {
	t.Helper()
	r := start(t)
	for i := range 7 {
		request := set("demo", fmt.Sprintf("op%d", i), fmt.Sprintf("U0DEMO%d", i))
		request.OperatorLink.DisplayName = []string{"佐藤 花子", "Sato"}[i%2]
		if _, err := r.SetOperatorLink(as(t, adminDemo), request); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// pagesOf reads all pages of links, and answers the operators of each.
func (r *running) pagesOf(t *testing.T, filter string, size int32) (pages []string) {
	t.Helper()
	for token, more := "", true; more; more = token != "" {
		page, err := r.ListOperatorLinks(as(t, viewerDemo), &settingsv1.ListOperatorLinksRequest{
			Parent: settings.ProjectName("demo"), PageSize: size, PageToken: token, Filter: filter})
		if err != nil {
			t.Fatalf("%s: %v", filter, err)
		}
		var operators []string
		for _, link := range page.GetOperatorLinks() {
			operators = append(operators, strings.TrimPrefix(link.GetName(), "projects/demo/operators/"))
		}
		pages, token = append(pages, strings.Join(operators, " ")), page.GetNextPageToken()
	}
	return pages
}

func TestLinksAreFilteredBeforeTheyArePaged(t *testing.T) {
	r := linked(t)
	for _, c := range []struct {
		filter string
		size   int32
		want   []string
	}{
		{"", 4, []string{"op0 op1 op2 op3", "op4 op5 op6"}},
		{" ", 100, []string{"op0 op1 op2 op3 op4 op5 op6"}},
		{`slack_member = "U0DEMO3"`, 4, []string{"op3"}},
		{`slack_member = U0DEMO3 OR operator = "op5"`, 1, []string{"op3", "op5"}},
		{`display_name : "花子"`, 2, []string{"op0 op2", "op4 op6"}},
		{`display_name = "Sato" AND operator > "op1"`, 2, []string{"op3 op5"}},
		{`NOT operator = op0`, 3, []string{"op1 op2 op3", "op4 op5 op6"}},
		{`slack_member = "U0NOBODY"`, 4, []string{""}},
	} {
		if got := r.pagesOf(t, c.filter, c.size); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.filter, got, c.want)
		}
	}
	for _, bad := range []string{"etag = x", "slack_member", `slack_member = "`, "update_time > 1", strings.Repeat("(", 900)} {
		_, err := r.ListOperatorLinks(as(t, viewerDemo), &settingsv1.ListOperatorLinksRequest{Parent: settings.ProjectName("demo"), Filter: bad})
		wantFields(t, bad, err, "filter")
	}
}

func TestPageTokensAreGoodForTheirListAlone(t *testing.T) {
	r := linked(t)
	ctx := as(t, adminAll)
	links := func(project, filter, token string) (string, error) {
		page, err := r.ListOperatorLinks(ctx, &settingsv1.ListOperatorLinksRequest{
			Parent: settings.ProjectName(project), PageSize: 1, PageToken: token, Filter: filter})
		return page.GetNextPageToken(), err
	}
	operators := func(project, token string) (string, error) {
		page, err := r.ListOperators(ctx, &settingsv1.ListOperatorsRequest{Parent: settings.ProjectName(project), PageSize: 1, PageToken: token})
		return page.GetNextPageToken(), err
	}
	const filter = `display_name = "Sato"`
	plain, err := links("demo", "", "")
	wantCode(t, "links", err, codes.OK)
	filtered, err := links("demo", filter, "")
	wantCode(t, "filtered links", err, codes.OK)
	known, err := operators("demo", "")
	wantCode(t, "operators", err, codes.OK)
	if plain == "" || filtered == "" || known == "" {
		t.Fatal("there is only one page")
	}
	for name, call := range map[string]func() (string, error){
		"without its filter":   func() (string, error) { return links("demo", "", filtered) },
		"with a filter":        func() (string, error) { return links("demo", filter, plain) },
		"with another filter":  func() (string, error) { return links("demo", filter+" ", filtered) },
		"of another project":   func() (string, error) { return links("other", filter, filtered) },
		"of operators":         func() (string, error) { return links("demo", "", known) },
		"of links":             func() (string, error) { return operators("demo", plain) },
		"of others' operators": func() (string, error) { return operators("other", known) },
		"changed": func() (string, error) {
			return operators("demo", known[:8]+strings.Map(func(c rune) rune { return c ^ 1 }, known[8:9])+known[9:])
		},
	} {
		_, err := call()
		wantFields(t, name, err, "page_token")
	}
	for name, call := range map[string]func() (string, error){
		"links": func() (string, error) { return links("demo", "", plain) }, "filtered": func() (string, error) { return links("demo", filter, filtered) },
		"operators": func() (string, error) { return operators("demo", known) },
	} {
		_, err := call()
		wantCode(t, name, err, codes.OK)
	}
}

func TestOperatorsAreListedById(t *testing.T) {
	r := start(t)
	if _, err := r.SetOperatorLink(as(t, adminDemo), set("demo", "op2", "U0DEMO2")); err != nil {
		t.Fatal(err)
	}
	var got []string
	for token, more := "", true; more; more = token != "" {
		page, err := r.ListOperators(as(t, viewerDemo), &settingsv1.ListOperatorsRequest{
			Parent: settings.ProjectName("demo"), PageSize: 1, PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.GetOperators() {
			got = append(got, fmt.Sprintf("%s %s %q", o.GetName(), o.GetDisplayName(), o.GetSlackMember()))
		}
		token = page.GetNextPageToken()
	}
	want := []string{`projects/demo/operators/op1 Yamada ""`, `projects/demo/operators/op2 Sato "U0DEMO2"`}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
