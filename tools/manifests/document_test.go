package manifests

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/bus/rights"
)

var write = flag.Bool("update", false, "write docs/permissions.md and the lists in docs/kubernetes.md anew")

// says compares a document, or the part of it between two marks, with what it should say.
func says(t *testing.T, path, mark, want string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil && !*write {
		t.Fatal(err)
	}
	before, after, got := "", "", string(data)
	if mark != "" {
		begin, end := "<!-- generated: "+mark+" -->\n", "<!-- end -->"
		i := strings.Index(got, begin)
		j := strings.Index(got[max(i, 0):], end) + max(i, 0)
		if i < 0 || j < i {
			t.Fatalf("%s has no part %q", path, mark)
		}
		before, got, after = got[:i+len(begin)], got[i+len(begin):j], got[j:]
	}
	if got == want {
		return
	}
	if !*write {
		t.Errorf("%s is not what the manifests say; write it anew with -update", path)
		return
	}
	if err := os.WriteFile(path, []byte(before+want+after), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTheDocumentOfPermissions(t *testing.T) {
	var b strings.Builder
	b.WriteString(`# Who may do what

Written from the code and the manifests by their test: ` + "`cd tools && GOWORK=off go test ./manifests -run Document -update`" + `. Nothing that is not in here is allowed, and tests try it: ` +
		"`dev/layout/natsusers`" + ` every request that NATS knows, on a real server, as every user; ` + "`tools/manifests`" + ` every connection, the commands of Redis, and a round trip of production with these users.

`)
	natsPart(&b)
	redisPart(t, &b)
	networkPart(t, &b)
	secretsPart(t, &b)
	says(t, "../../docs/permissions.md", "", b.String())
}

// natsPart is about internal/bus/rights.
func natsPart(b *strings.Builder) {
	b.WriteString("## NATS\n\nFrom `internal/bus/rights`, like the users in `deploy/k8s/base/nats/nats.conf`, in which every subject stands.\n\n| user | |\n|---|---|\n")
	for _, u := range rights.Users() {
		fmt.Fprintf(b, "| `%s` | %s |\n", u.Name, u.Does)
	}
	b.WriteString("\n| stream or bucket |")
	for _, u := range rights.Users() {
		fmt.Fprintf(b, " %s |", u.Name)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(rights.Users())) + "\n")
	for _, config := range bus.Topology(1) {
		fmt.Fprintf(b, "| `%s` |", config.Name)
		for _, u := range rights.Users() {
			fmt.Fprintf(b, " %s |", strings.Join(may(u, config.Name, config.Subjects), "; "))
		}
		b.WriteString("\n")
	}
	b.WriteString("\nAll but `backup` may create each of them where it is missing; nobody may delete one. What it consumes it is handed, and acknowledges.\n\n| user | asks, tells | listens | answers |\n|---|---|---|---|\n")
	for _, u := range rights.Users() {
		var asks []string
		for _, s := range u.Publishes {
			if strings.HasPrefix(s, "ask.") || strings.HasPrefix(s, "wake") {
				asks = append(asks, "`"+s+"`")
			}
		}
		answers := map[bool]string{true: "whoever asks, once each, within a minute", false: "–"}[u.Answers]
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", u.Name, orNothing(asks), orNothing(quoted(u.Listens)), answers)
	}
	fmt.Fprintf(b, "\nWhat JetStream and the others answer to a user, and the messages of its queues, are sent below `%s`, where no other user hears them.\n\n", bus.InboxOf("its name"))
}

// may answers, in words, what a user may do with a stream.
func may(u rights.User, stream string, subjects []string) []string {
	var can []string
	bucket, isBucket := strings.CutPrefix(stream, "KV_")
	var writes []string
	for _, s := range u.Publishes {
		for _, of := range subjects {
			if strings.HasPrefix(s, strings.TrimSuffix(of, ">")) {
				writes = append(writes, "`"+strings.TrimPrefix(s, "$KV."+bucket+".")+"`")
			}
		}
	}
	if len(writes) > 0 {
		can = append(can, "writes "+strings.Join(writes, ", "))
	}
	of := func(what string, parts []rights.Part, name string) {
		for _, p := range parts {
			if p.Of == name {
				can = append(can, what+" "+strings.Join(quoted(p.Filters), ", "))
			}
		}
	}
	of("consumes", u.Consumes, stream)
	if stream == bus.Advisories && len(u.GivenUp) > 0 {
		var told []string
		for _, g := range u.GivenUp {
			told = append(told, fmt.Sprintf("`%s` of `%s`", g.Consumers, g.Of))
		}
		can = append(can, "consumes what is about its own consumers: "+strings.Join(told, ", "))
	}
	if slices.Contains(u.Reads, stream) {
		can = append(can, "reads")
	}
	if isBucket && slices.Contains(u.Watches, bucket) {
		can = append(can, "watches")
	}
	if !isBucket {
		of("reads through", append(slices.Clone(u.Scans), u.Follows...), stream)
	}
	of("makes the consumers of", u.Prepares, stream)
	if slices.Contains(u.Lists, stream) {
		can = append(can, "lists consumers")
	}
	if slices.Contains(u.Changes, stream) {
		can = append(can, "changes its configuration")
	}
	if slices.Contains(u.Removes, stream) || isBucket && slices.Contains(u.Purges, bucket) {
		can = append(can, "**removes**")
	}
	if u.Saves {
		can = append(can, "saves, restores")
	}
	if len(can) == 0 {
		can = []string{"–"}
	}
	return can
}

func quoted(names []string) []string {
	var all []string
	for _, n := range names {
		all = append(all, "`"+n+"`")
	}
	return all
}

func orNothing(words []string) string {
	if len(words) == 0 {
		return "–"
	}
	return strings.Join(words, ", ")
}

func redisPart(t *testing.T, b *strings.Builder) {
	t.Helper()
	acl, err := os.ReadFile(filepath.Join(folder, "base/redis/users.example.acl"))
	if err != nil {
		t.Fatal(err)
	}
	about := map[string]string{"default": "nobody logs in as it; Redis reads its own file back in its name", "probe": "the pod's probes", "router": "router alone has its password"}
	b.WriteString("## Redis\n\nFrom `deploy/k8s/base/redis/users.example.acl`.\n\n| user | who | rules |\n|---|---|---|\n")
	for line := range strings.Lines(string(acl)) {
		words := strings.Fields(line)
		fmt.Fprintf(b, "| `%s` | %s | `%s` |\n", words[1], about[words[1]], strings.ReplaceAll(strings.Join(words[2:], " "), ">replace-me", ">PASSWORD"))
	}
	b.WriteString("\n")
}

// networkPart groups what production's policies let through by who is reached.
func networkPart(t *testing.T, b *strings.Builder) {
	t.Helper()
	b.WriteString("## Network\n\nWho may open a TCP connection to whom in `production`. All else that involves a pod of the namespace is refused, both on its way out and on its way in.\n\n| to | port | from |\n|---|---|---|\n")
	from := map[string][]string{}
	for _, connection := range open(rendered(t, "overlays/production")) {
		who, to, _ := strings.Cut(connection, " → ")
		from[to] = append(from[to], who)
	}
	var targets []string
	for to := range from {
		targets = append(targets, to)
	}
	slices.Sort(targets)
	for _, to := range targets {
		who := strings.Join(from[to], ", ")
		if slices.Contains(from[to], "the company's network") {
			who = "anywhere outside of the namespace: what comes in is signed"
		}
		at := strings.LastIndex(to, ":")
		fmt.Fprintf(b, "| %s | %s | %s |\n", to[:at], to[at+1:], who)
	}
	b.WriteString("\n*names* is the cluster's DNS (UDP as well), *metrics* a namespace with the label `slacktalk/metrics=true`, *settings client* a pod with the label `slacktalk/settings-client=true`, *KARTE or Slack* any public address: see `components/egress-by-name`.\n\n")
}

func secretsPart(t *testing.T, b *strings.Builder) {
	t.Helper()
	made := secrets(t, "overlays/production")
	b.WriteString("## Secrets\n\nEach is mounted in one workload, as files, readable for its group alone; none is in an environment.\n\n| Secret | files | mounted by | at |\n|---|---|---|---|\n")
	var rows []string
	for _, w := range append(rendered(t, "overlays/production").Workloads(), rendered(t, "doctor").Workloads()...) {
		for _, v := range w.Pod.Spec.Volumes {
			if v.Secret == nil {
				continue
			}
			files := []string{"`token`"} // of the doctor, which the script does not make
			if entries, err := os.ReadDir(filepath.Join(made, v.Secret.SecretName)); err == nil {
				files = nil
				for _, e := range entries {
					files = append(files, "`"+e.Name()+"`")
				}
			}
			at := ""
			for _, mount := range w.Pod.Spec.Containers[0].VolumeMounts {
				if mount.Name == v.Name {
					at = mount.MountPath
				}
			}
			rows = append(rows, fmt.Sprintf("| `%s` | %s | %s %s | `%s` |\n", v.Secret.SecretName, strings.Join(files, ", "), w.Kind, w.Name, at))
		}
	}
	slices.Sort(rows)
	b.WriteString(strings.Join(rows, ""))
}

// hashed is what kustomize puts behind the name of a ConfigMap: it changes with its contents.
var hashed = regexp.MustCompile(`-[a-z0-9]{10}$`)

func TestTheDocumentListsWhatIsCreated(t *testing.T) {
	var b strings.Builder
	for _, overlay := range []string{"overlays/dev", "overlays/trial", "overlays/production", "overlays/external"} {
		m := rendered(t, overlay)
		var lines []string
		for _, object := range m.Objects {
			accessor, err := meta.Accessor(object)
			if err != nil {
				t.Fatal(err)
			}
			kind := strings.ToLower(object.GetObjectKind().GroupVersionKind().Kind)
			name := accessor.GetName()
			if kind == "configmap" {
				name = hashed.ReplaceAllString(name, "")
			}
			lines = append(lines, fmt.Sprintf("%-58s %s", kind+"/"+name, about(object)))
		}
		slices.Sort(lines)
		fmt.Fprintf(&b, "### %s: %d objects\n\n```\n", filepath.Base(overlay), len(lines))
		for _, line := range lines {
			b.WriteString(strings.TrimRight(line, " ") + "\n")
		}
		b.WriteString("```\n\n")
	}
	says(t, "../../docs/kubernetes.md", "what is created", b.String())
}

// about answers what a listing shows beside an object's name.
func about(object any) string {
	container := func(c corev1.Container) string {
		return fmt.Sprintf("%s  cpu %s/%s  memory %s/%s", c.Image, c.Resources.Requests.Cpu(), c.Resources.Limits.Cpu(), c.Resources.Requests.Memory(), c.Resources.Limits.Memory())
	}
	switch o := object.(type) {
	case *appsv1.Deployment:
		n := "autoscaled"
		if o.Spec.Replicas != nil {
			n = fmt.Sprint(*o.Spec.Replicas)
		}
		return n + "  " + container(o.Spec.Template.Spec.Containers[0])
	case *appsv1.StatefulSet:
		return fmt.Sprint(*o.Spec.Replicas) + "  " + container(o.Spec.Template.Spec.Containers[0])
	case *autoscalingv2.HorizontalPodAutoscaler:
		return fmt.Sprintf("%d–%d, cpu %d %% of the request", *o.Spec.MinReplicas, o.Spec.MaxReplicas, *o.Spec.Metrics[0].Resource.Target.AverageUtilization)
	case *policyv1.PodDisruptionBudget:
		return "max unavailable " + o.Spec.MaxUnavailable.String()
	case *corev1.Service:
		var ports []string
		for _, p := range o.Spec.Ports {
			ports = append(ports, fmt.Sprintf("%d→%s", p.Port, p.TargetPort.String()))
		}
		return map[bool]string{true: "headless  ", false: ""}[o.Spec.ClusterIP == corev1.ClusterIPNone] + strings.Join(ports, " ")
	}
	return ""
}
