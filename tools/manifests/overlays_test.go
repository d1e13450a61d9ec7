package manifests

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const folder = "../../deploy/k8s"

// overlays are what somebody applies.
var overlays = []string{"overlays/dev", "overlays/trial", "overlays/production", "overlays/external", "doctor"}

// rendered answers what an overlay with components gives.
func rendered(t *testing.T, overlay string, components ...string) Manifests {
	t.Helper()
	tree, err := Tree(folder)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Render(tree, overlay, components...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// components answers the names of all optional components.
func components(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(folder, "components"))
	if err != nil || len(entries) == 0 {
		t.Fatalf("found no component: %v", err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

var rules = map[string]Rule{
	"restricted": Restricted, "numbered": Numbered, "contained": Contained, "probed": Probed, "tokenless": Tokenless, "secrets apart": SecretsApart,
	"budgeted": Budgeted, "scaled": Scaled, "patient": Patient,
}

func obey(t *testing.T, m Manifests) {
	t.Helper()
	for name, rule := range rules {
		for _, broken := range rule(m) {
			t.Errorf("%s: %s", name, broken)
		}
	}
}

func TestEveryOverlayKeepsTheRules(t *testing.T) {
	for _, overlay := range overlays {
		t.Run(overlay, func(t *testing.T) { obey(t, rendered(t, overlay)) })
	}
}

func TestEveryComponentKeepsTheRules(t *testing.T) {
	for _, overlay := range []string{"overlays/production", "overlays/dev"} {
		for _, component := range components(t) {
			// There is nothing to scale in dev.
			if overlay == "overlays/dev" && component == "keda" {
				continue
			}
			t.Run(overlay+" with "+component, func(t *testing.T) {
				m := rendered(t, overlay, component)
				obey(t, m)
				before := rendered(t, overlay)
				if len(m.Extensions) == len(before.Extensions) && len(m.Objects) == len(before.Objects) && component != "tls" {
					t.Error("it adds nothing")
				}
			})
		}
	}
	t.Run("all at once", func(t *testing.T) { obey(t, rendered(t, "overlays/production", components(t)...)) })
}

// What the cluster has to know beforehand is in components alone.
func TestOverlaysNeedNothingButKubernetes(t *testing.T) {
	for _, overlay := range overlays {
		if m := rendered(t, overlay); len(m.Extensions) > 0 {
			t.Errorf("%s has a %s", overlay, m.Extensions[0].GetKind())
		}
	}
}

// Each rule is shown manifests that break it: one that cannot be broken would say nothing.
func TestRulesNotice(t *testing.T) {
	router := func(m Manifests) *appsv1.Deployment {
		for _, d := range Of[*appsv1.Deployment](m) {
			if d.Name == "router" {
				return d
			}
		}
		t.Fatal("there is no router")
		return nil
	}
	container := func(m Manifests) *corev1.Container { return &router(m).Spec.Template.Spec.Containers[0] }
	drop := func(m *Manifests, kind string) {
		m.Objects = slices.DeleteFunc(m.Objects, func(o runtime.Object) bool { return strings.Contains(fmt.Sprintf("%T", o), kind) })
	}
	yes := true
	for name, c := range map[string]struct {
		rule Rule
		harm func(m *Manifests)
	}{
		"a privileged container": {Restricted, func(m *Manifests) { container(*m).SecurityContext.Privileged = &yes }},
		"no seccomp profile":     {Restricted, func(m *Manifests) { router(*m).Spec.Template.Spec.SecurityContext.SeccompProfile = nil }},
		"a capability":           {Restricted, func(m *Manifests) { container(*m).SecurityContext.Capabilities.Drop = nil }},
		"a low user id": {Numbered, func(m *Manifests) {
			low := int64(1000)
			router(*m).Spec.Template.Spec.SecurityContext.RunAsUser = &low
		}},
		"latest":             {Contained, func(m *Manifests) { container(*m).Image = "registry.example.com:5000/router:latest" }},
		"no tag":             {Contained, func(m *Manifests) { container(*m).Image = "registry.example.com:5000/router" }},
		"a root to write to": {Contained, func(m *Manifests) { container(*m).SecurityContext.ReadOnlyRootFilesystem = nil }},
		"no limits":          {Contained, func(m *Manifests) { container(*m).Resources.Limits = nil }},
		"a limit the collector does not know": {Contained, func(m *Manifests) {
			container(*m).Env = slices.DeleteFunc(container(*m).Env, func(e corev1.EnvVar) bool { return e.Name == "GOMEMLIMIT" })
		}},
		"no readiness":        {Probed, func(m *Manifests) { container(*m).ReadinessProbe = nil }},
		"a token":             {Tokenless, func(m *Manifests) { router(*m).Spec.Template.Spec.AutomountServiceAccountToken = nil }},
		"the default account": {Tokenless, func(m *Manifests) { router(*m).Spec.Template.Spec.ServiceAccountName = "default" }},
		"another's secret":    {SecretsApart, func(m *Manifests) { router(*m).Spec.Template.Spec.Volumes[0].Secret.SecretName = "slack-gateway" }},
		"a secret as variable": {SecretsApart, func(m *Manifests) {
			container(*m).EnvFrom = append(container(*m).EnvFrom, corev1.EnvFromSource{SecretRef: &corev1.SecretEnvSource{}})
		}},
		"no budget":        {Budgeted, func(m *Manifests) { drop(m, "PodDisruptionBudget") }},
		"no autoscaler":    {Scaled, func(m *Manifests) { drop(m, "HorizontalPodAutoscaler") }},
		"two say how many": {Scaled, func(m *Manifests) { three := int32(3); router(*m).Spec.Replicas = &three }},
		"no pause":         {Patient, func(m *Manifests) { container(*m).Lifecycle = nil }},
		"no patience": {Patient, func(m *Manifests) {
			short := int64(30)
			router(*m).Spec.Template.Spec.TerminationGracePeriodSeconds = &short
		}},
		"a gap": {Patient, func(m *Manifests) {
			one := intstr.FromInt32(1)
			router(*m).Spec.Strategy.RollingUpdate.MaxUnavailable = &one
		}},
	} {
		t.Run(name, func(t *testing.T) {
			m := rendered(t, "overlays/production")
			c.harm(&m)
			if len(c.rule(m)) == 0 {
				t.Error("it was not noticed")
			}
		})
	}
}

func TestAMistypedFieldIsNoticed(t *testing.T) {
	tree, err := Tree(folder)
	if err != nil {
		t.Fatal(err)
	}
	const path = "/k8s/base/router/poddisruptionbudget.yaml"
	text, err := tree.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.WriteFile(path, []byte(strings.Replace(string(text), "maxUnavailable", "maxUnavailible", 1))); err != nil {
		t.Fatal(err)
	}
	if _, err := Render(tree, "overlays/dev"); err == nil || !strings.Contains(err.Error(), "maxUnavailible") {
		t.Errorf("answers %v", err)
	}
}

func TestProductionKeepsItsVolumes(t *testing.T) {
	for _, overlay := range []string{"overlays/production", "overlays/external"} {
		m := rendered(t, overlay)
		if len(Of[*corev1.Namespace](m)) > 0 {
			t.Errorf("%s has the namespace in it: deleting the overlay deletes every volume", overlay)
		}
		for _, s := range Of[*appsv1.StatefulSet](m) {
			keep := s.Spec.PersistentVolumeClaimRetentionPolicy
			if keep == nil || keep.WhenDeleted != appsv1.RetainPersistentVolumeClaimRetentionPolicyType || keep.WhenScaled != appsv1.RetainPersistentVolumeClaimRetentionPolicyType {
				t.Errorf("%s: volumes of %s go with it", overlay, s.Name)
			}
		}
	}
}

func TestHowManyThereAre(t *testing.T) {
	for overlay, want := range map[string]int32{"overlays/dev": 1, "overlays/production": 3} {
		m := rendered(t, overlay)
		for _, s := range Of[*appsv1.StatefulSet](m) {
			if s.Name == "nats" && *s.Spec.Replicas != want {
				t.Errorf("%s has %d NATS servers", overlay, *s.Spec.Replicas)
			}
		}
		replicas := map[int32]string{1: "1", 3: "3"}[want]
		for _, c := range Of[*corev1.ConfigMap](m) {
			if got, ok := c.Data["STREAM_REPLICAS"]; ok && got != replicas {
				t.Errorf("%s: STREAM_REPLICAS=%s in %s", overlay, got, c.Name)
			}
		}
	}
}

// Outside of the cluster there are two paths, and everything else stays inside.
func TestOnlyTheWebhooksAreOutside(t *testing.T) {
	want := []string{"/hooks/karte ingest-karte", "/slack slack-gateway"}
	m := rendered(t, "overlays/production", "ingress", "gateway")
	var got []string
	for _, i := range Of[*networkingv1.Ingress](m) {
		for _, r := range i.Spec.Rules {
			for _, p := range r.HTTP.Paths {
				got = append(got, p.Path+" "+p.Backend.Service.Name)
			}
		}
		if len(i.Spec.TLS) == 0 || i.Spec.DefaultBackend != nil {
			t.Error("the Ingress has no TLS, or a backend for everything")
		}
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("the Ingress leads %v", got)
	}
	got = nil
	for _, x := range m.Extensions {
		list, _, _ := unstructured.NestedSlice(x.Object, "spec", "rules")
		for _, r := range list {
			rule := r.(map[string]any)
			match := rule["matches"].([]any)[0].(map[string]any)["path"].(map[string]any)
			backend := rule["backendRefs"].([]any)[0].(map[string]any)
			got = append(got, match["value"].(string)+" "+backend["name"].(string))
		}
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("the HTTPRoute leads %v", got)
	}
	for _, s := range Of[*corev1.Service](m) {
		if s.Spec.Type != "" && s.Spec.Type != corev1.ServiceTypeClusterIP || len(s.Spec.ExternalIPs) > 0 {
			t.Errorf("the Service %s is reached from outside", s.Name)
		}
	}
}

// secrets makes an overlay's Secrets from made-up values and answers the folder they are in, and what they contain.
func secrets(t *testing.T, overlay string) string {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "k8s")
	if err := os.CopyFS(copied, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	// What somebody has made here for an installation is none of a test's business.
	if err := os.RemoveAll(filepath.Join(copied, "secrets")); err != nil {
		t.Fatal(err)
	}
	tokens := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(tokens, []byte("- {name: demo, sha256: "+strings.Repeat("0f", 32)+", role: viewer, projects: [demo]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "bash", filepath.Join(copied, "make-secrets.sh"), filepath.Base(overlay))
	cmd.Env = append(os.Environ(), "API_TOKENS_FILE="+tokens, "KARTE_API_TOKEN=demo-1", "KARTE_CLIENT_SECRET=demo-2", "SLACK_BOT_TOKEN=xoxb-demo", "SLACK_SIGNING_SECRET=demo-4",
		"NATS_URL_INGEST_KARTE=nats://i:p@nats.example.com", "NATS_URL_ROUTER=nats://r:p@nats.example.com", "NATS_URL_SLACK_GATEWAY=nats://s:p@nats.example.com", "NATS_URL_TOPOLOGY=nats://t:p@nats.example.com", "REDIS_URL=rediss://r:p@redis.example.com:6379/0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return filepath.Join(copied, "secrets", filepath.Base(overlay))
}
