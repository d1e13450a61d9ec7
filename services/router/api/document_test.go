package api

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

var write = flag.Bool("update", false, "write docs/api-access.md")

const document = "../../../docs/api-access.md"

const documentHead = `# Who may call what

Written from the access table of services/router/api by its test: ` + "`go test ./services/router/api -run TestTheAccessDocument -update`" + `.

- **own**: of the projects that its token names. A request about any other project is refused with PERMISSION_DENIED, whether the project exists or not.
- **all**: about no project, so a token of any project will do.
- **no**: refused with PERMISSION_DENIED; without a valid token with UNAUTHENTICATED.
- A token with ` + "`projects: [\"*\"]`" + ` may use every project; only such a one may use the name ` + "`projects/-`" + `, which stands for all of them, and for none.
- **entry**: each call by somebody with a valid token has an audit entry, whatever became of it, if the token may use the project; an attempt upon another project is a log line.

- **member**: who may call it through a token with ` + "`acts_for_members: true`" + ` and the metadata ` + "`slacktalk-member: <team>/<member>`" + `. Such a call has the member's rights alone, whatever the
  token's role. *Members* are full members of the workspace that the project's settings name: no guests, no bots, nobody from another workspace, nobody deactivated, and nobody Slack does not know.
  *Admins* are those of them whom the settings list. What has an entry names the member as its actor.

| method | no token | viewer | operator | admin | member | audit |
|---|---|---|---|---|---|---|
`

// accessDocument writes the access table for people.
func accessDocument() string {
	var text strings.Builder
	text.WriteString(documentHead)
	for _, method := range slices.Sorted(maps.Keys(access)) {
		row := access[method]
		service, name, _ := strings.Cut(strings.TrimPrefix(method, "/"), "/")
		fmt.Fprintf(&text, "| `%s` of `%s` | %s |", name, service, mark(row.open, "all"))
		for _, role := range []Role{Viewer, Operator, Admin} {
			scope := "own"
			if row.resource == nil {
				scope = "all"
			}
			fmt.Fprintf(&text, " %s |", mark(row.open || role >= row.role, scope))
		}
		fmt.Fprintf(&text, " %s | %s |\n", memberWords(row), mark(row.change, "entry"))
	}
	return text.String()
}

func memberWords(row rule) string {
	switch {
	case row.open:
		return "all"
	case row.member == nil:
		return "no"
	}
	return row.member.words
}

func mark(yes bool, text string) string {
	if yes {
		return text
	}
	return "no"
}

func TestTheAccessDocumentIsWhatTheServerDoes(t *testing.T) {
	want := accessDocument()
	if *write {
		if err := os.WriteFile(document, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/api-access.md is not what the access table says; write it anew with -update")
	}
}

// A method that is added to the contract fails here until somebody has decided who may call it.
func TestEveryMethodOfTheContractHasARow(t *testing.T) {
	methods := 0
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if !strings.HasPrefix(string(file.Package()), "slacktalk.") {
			return true
		}
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				methods++
				method := "/" + string(service.FullName()) + "/" + string(service.Methods().Get(j).Name())
				if row, known := access[method]; !known || row.open || row.role == 0 || row.resource == nil {
					t.Errorf("%s: has no row, or is open to everybody, or has no role or resource", method)
				}
			}
		}
		return true
	})
	if methods < 20 {
		t.Errorf("only %d methods were found", methods)
	}
}
