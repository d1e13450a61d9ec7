package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/eventually"
	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
)

// root of the repository.
const root = "../.."

// block answers the first fenced block of a language in the README of the contracts.
func block(t *testing.T, language string) string {
	t.Helper()
	text, err := os.ReadFile(root + "/proto/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "\n```"+language+"\n")
	content, _, closed := strings.Cut(rest, "\n```\n")
	if !found || !closed {
		t.Fatalf("proto/README.md has no block of %s", language)
	}
	return content
}

// execute runs a command and answers what it wrote and how it ended.
func execute(t *testing.T, dir string, env []string, name string, args ...string) (out string, exit int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, name, args...)
	command.Dir, command.Env = dir, append(os.Environ(), env...)
	written, err := command.CombinedOutput()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatalf("%s %q: %v", name, args, err)
	}
	return string(written), command.ProcessState.ExitCode()
}

// The client stands in a module of its own that has nothing but the contracts, as that of somebody else would.
func TestTheClientInTheReadmeWorks(t *testing.T) {
	s := start(t, stack.Options{})
	proto, err := filepath.Abs(root + "/proto")
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(proto + "/go.sum")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string]string{
		"main.go": block(t, "go"), "go.sum": string(sums),
		"go.mod": "module example.com/client\n\ngo 1.26.0\n\nrequire github.com/slacktalk/slacktalk/proto v0.0.0\n\nreplace github.com/slacktalk/slacktalk/proto => " + proto + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{"GOWORK=off", "GOFLAGS=-mod=mod", "ADDR=" + s.RouterAddr, "TOKEN=" + stack.AdminToken}
	out, exit := execute(t, dir, env, "go", "run", ".")
	want := "projects/" + stack.Project + "/operators/" + stack.Operator + " is " + stack.Hanako
	if exit != 0 || strings.TrimSpace(out) != want {
		t.Errorf("it ends with %d and says\n%s\nwant:\n%s", exit, out, want)
	}
	if text, err := os.ReadFile(proto + "/README.md"); err != nil || !strings.Contains(string(text), "`"+want+"`") {
		t.Errorf("the README does not say that it says %q (%v)", want, err)
	}
}

var methodOf = regexp.MustCompile(`\$ADDR (slacktalk\.[a-z.0-9]+\.[A-Za-z]+)/([A-Za-z]+)$`)

// readmeLines answers the lines before which nothing is called, and the calls.
func readmeLines(t *testing.T) (preamble, calls []string) {
	t.Helper()
	for line := range strings.SplitSeq(block(t, "sh"), "\n") {
		switch {
		case strings.HasPrefix(line, "grpcurl "):
			calls = append(calls, line)
		case line != "" && !strings.HasPrefix(line, "#"):
			preamble = append(preamble, line)
		}
	}
	return preamble, calls
}

func TestEveryMethodHasALineInTheReadme(t *testing.T) {
	_, calls := readmeLines(t)
	lines := map[string]int{}
	for _, line := range calls {
		if found := methodOf.FindStringSubmatch(line); found != nil {
			lines[found[1]+"/"+found[2]]++
		}
	}
	methods := 0
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			if !strings.HasPrefix(string(service.FullName()), "slacktalk.") {
				continue
			}
			for j := range service.Methods().Len() {
				method := string(service.FullName()) + "/" + string(service.Methods().Get(j).Name())
				if lines[method] != 1 {
					t.Errorf("proto/README.md has %d grpcurl lines for %s, it should have one", lines[method], method)
				}
				delete(lines, method)
				methods++
			}
		}
		return true
	})
	if methods == 0 || len(lines) > 0 {
		t.Errorf("of %d methods; lines for what is no method: %v", methods, lines)
	}
}

// readme is a stack with something for every line to be about.
type readme struct {
	system
	conn     *grpc.ClientConn
	dir      string
	preamble []string
}

func TestEveryLineOfTheReadmeWorks(t *testing.T) {
	if out, exit := execute(t, root, nil, "make", "grpcurl"); exit != 0 {
		t.Fatalf("grpcurl cannot be installed: %s", out)
	}
	r := readme{system: start(t, stack.Options{}), dir: t.TempDir()}
	var calls []string
	r.preamble, calls = readmeLines(t)
	r.connect()
	r.prepare()
	for _, line := range calls {
		r.try(line)
	}
}

func (r *readme) connect() {
	r.t.Helper()
	var err error
	if r.conn, err = grpc.NewClient(r.RouterAddr, grpc.WithTransportCredentials(insecure.NewCredentials())); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { r.conn.Close() })
}

// readmeCustomer is whose conversation the lines are about.
const readmeCustomer = "readme-customer"

// prepare makes a conversation with a thread, a second channel and dead letters.
func (r *readme) prepare() {
	r.t.Helper()
	r.Slack.AddChannel(slackstandin.Channel{ID: "C0SALES", Name: "sales"})
	if err := r.Slack.InviteBot("C0SALES", stack.AdminID); err != nil {
		r.t.Fatal(err)
	}
	r.says(kartestandin.Customer{UserID: readmeCustomer}, "はじめまして")
	r.slack("the thread", func(now *slackstandin.Snapshot) bool { return len(r.Slack.Messages(stack.Channel)) > 0 })
	// One letter to replay, one to discard.
	r.Slack.AddFault(slackstandin.Fault{Method: "chat.postMessage", Kind: slackstandin.Failed, Error: "invalid_blocks", Count: 2})
	r.says(kartestandin.Customer{UserID: "readme-refused-1"}, "一つ目")
	r.says(kartestandin.Customer{UserID: "readme-refused-2"}, "二つ目")
	eventually.Holds(r.t, within, "what Slack refused is a dead letter", func() bool { return len(r.letters()) >= 2 })
}

func (r *readme) bash(line string) (out string, exit int) {
	r.t.Helper()
	bin, err := filepath.Abs(root + "/.bin")
	if err != nil {
		r.t.Fatal(err)
	}
	env := []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "ADDR=" + r.RouterAddr, "TOKEN=" + stack.AdminToken, "CONVERSATION=" + r.conversation(), "LETTER=" + r.letter()}
	return execute(r.t, r.dir, env, "bash", "-euo", "pipefail", "-c", strings.Join(append(slices.Clone(r.preamble), line), "\n"))
}

// watchEnds is how grpcurl ends, 64 and the code, after a watch that -max-time ended.
const watchEnds = 64 + int(codes.DeadlineExceeded)

func (r *readme) try(line string) {
	r.t.Helper()
	out, exit := r.bash(line)
	if strings.HasSuffix(line, "/WatchTeamSettings") {
		if exit != watchEnds || !strings.Contains(out, "teamSettings") {
			r.t.Errorf("%s\nends with %d:\n%s", line, exit, out)
		}
		return
	}
	if exit != 0 {
		r.t.Errorf("%s\nends with %d:\n%s", line, exit, out)
	}
	if strings.HasSuffix(line, "/ExportProject") {
		r.keep(out)
	}
}

// keep writes an exported document where the line that imports it expects it.
func (r *readme) keep(answer string) {
	r.t.Helper()
	var exported struct{ Document []byte }
	if err := json.Unmarshal([]byte(answer), &exported); err != nil || len(exported.Document) == 0 {
		r.t.Fatalf("nothing is exported (%v):\n%s", err, answer)
	}
	if err := os.WriteFile(filepath.Join(r.dir, "project.yaml"), exported.Document, 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// conversation answers the name of one; empty before there is any.
func (r *readme) conversation() string {
	answer, err := adminv1.NewConversationServiceClient(r.conn).ListConversations(stack.Admin(r.t.Context()), &adminv1.ListConversationsRequest{
		Parent: "projects/" + stack.Project, Filter: fmt.Sprintf("customer = %q", readmeCustomer),
	})
	if err != nil || len(answer.GetConversations()) == 0 {
		return ""
	}
	return answer.GetConversations()[0].GetName()
}

// letters answers the dead letters, the latest first.
func (r *readme) letters() []*adminv1.DeadLetter {
	answer, err := adminv1.NewDeadLetterServiceClient(r.conn).ListDeadLetters(stack.Admin(r.t.Context()), &adminv1.ListDeadLettersRequest{Parent: "projects/-"})
	if err != nil {
		return nil
	}
	return answer.GetDeadLetters()
}

// letter answers the name of the latest.
func (r *readme) letter() string {
	if letters := r.letters(); len(letters) > 0 {
		return letters[0].GetName()
	}
	return ""
}
