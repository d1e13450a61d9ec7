package manifests

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caarlos0/env/v11"
	corev1 "k8s.io/api/core/v1"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/config"
	ingestkarte "github.com/slacktalk/slacktalk/services/ingest-karte/app"
	router "github.com/slacktalk/slacktalk/services/router/app"
	slackgateway "github.com/slacktalk/slacktalk/services/slack-gateway/app"
)

// settings are the structs that the services read their environment into.
func settings(service string) any {
	switch service {
	case "ingest-karte":
		return &ingestkarte.Settings{}
	case "router":
		return &router.Settings{}
	case "slack-gateway":
		return &slackgateway.Settings{}
	case "topology":
		return &bus.Settings{}
	default:
		return nil
	}
}

// goes are read by Go itself.
var goes = []string{"GOMEMLIMIT", "GOMAXPROCS"}

// environment answers what a service's container is started with: its ConfigMap, and its own variables.
func environment(t *testing.T, m Manifests, c corev1.Container) map[string]string {
	t.Helper()
	vars := map[string]string{}
	for _, from := range c.EnvFrom {
		for _, data := range Of[*corev1.ConfigMap](m) {
			if data.Name == from.ConfigMapRef.Name {
				maps.Copy(vars, data.Data)
			}
		}
	}
	if len(vars) == 0 {
		t.Fatalf("%s has no ConfigMap", c.Name)
	}
	for _, e := range c.Env {
		vars[e.Name] = e.Value
	}
	return vars
}

// place answers where a path in the container is in the folder of made Secrets.
func place(pod corev1.PodSpec, path, made string) string {
	for _, mount := range pod.Containers[0].VolumeMounts {
		rel, ok := strings.CutPrefix(path, mount.MountPath+"/")
		if !ok {
			continue
		}
		for _, v := range pod.Volumes {
			if v.Name == mount.Name && v.Secret != nil {
				return filepath.Join(made, v.Secret.SecretName, rel)
			}
		}
	}
	return path
}

// A service is started with what its pod has, and with the Secrets that make-secrets.sh makes: nothing is missing, nothing is misspelt.
func TestEveryServiceUnderstandsItsEnvironment(t *testing.T) {
	for _, overlay := range []string{"overlays/dev", "overlays/production", "overlays/external"} {
		m, made := rendered(t, overlay), secrets(t, overlay)
		for _, w := range m.Workloads() {
			into := settings(w.Name)
			if into == nil {
				continue
			}
			t.Run(overlay+" "+w.Name, func(t *testing.T) {
				known := names(t, into)
				var environ []string
				vars := environment(t, m, w.Pod.Spec.Containers[0])
				for name, value := range vars {
					if !slices.Contains(known, name) && !slices.Contains(known, strings.TrimSuffix(name, "_FILE")) && !slices.Contains(goes, name) {
						t.Errorf("%s is no setting of %s", name, w.Name)
					}
					environ = append(environ, name+"="+place(w.Pod.Spec, value, made))
				}
				if err := config.Load(into, environ); err != nil {
					t.Error(err)
				}
				if err := config.SecretsOf(into).Missing(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// names answers the environment variables that a struct is read from.
func names(t *testing.T, into any) []string {
	t.Helper()
	fields, err := env.GetFieldParams(into)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, f := range fields {
		found = append(found, f.Key)
	}
	return found
}

// Every Secret that is mounted is made, with every file in it that is read, and nothing is made that is not mounted.
func TestTheScriptMakesEverySecret(t *testing.T) {
	for _, overlay := range []string{"overlays/dev", "overlays/production", "overlays/external"} {
		m, made := rendered(t, overlay), secrets(t, overlay)
		var mounted []string
		for _, w := range m.Workloads() {
			for _, v := range w.Pod.Spec.Volumes {
				if v.Secret != nil {
					mounted = append(mounted, v.Secret.SecretName)
				}
			}
		}
		slices.Sort(mounted)
		var found []string
		entries, err := os.ReadDir(made)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.IsDir() {
				found = append(found, e.Name())
			}
		}
		if !slices.Equal(found, mounted) {
			t.Errorf("%s: made %v, mounted %v", overlay, found, mounted)
		}
		tree, err := Tree(made)
		if err != nil {
			t.Fatal(err)
		}
		applied, err := Render(tree, ".")
		if err != nil {
			t.Fatal(err)
		}
		if got := len(Of[*corev1.Secret](applied)); got != len(mounted) {
			t.Errorf("%s: %d Secrets are applied", overlay, got)
		}
	}
}

// What is made anew at every run is left alone when it is there.
func TestTheScriptChangesNothingThatIsThere(t *testing.T) {
	made := secrets(t, "overlays/production")
	before, err := os.ReadFile(filepath.Join(made, "router", "nats-url"))
	if err != nil {
		t.Fatal(err)
	}
	if other := secrets(t, "overlays/production"); other == made {
		t.Fatal("the same folder")
	} else if after, err := os.ReadFile(filepath.Join(other, "router", "nats-url")); err != nil || string(after) == string(before) {
		t.Errorf("two installations have the same password (%v)", err)
	}
}
