// Package manifests checks what deploy/k8s gives a cluster, without one: that every overlay renders, that every object is of
// the types that Kubernetes has, and that what README.md promises about them is so.
package manifests

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// Manifests are what one overlay gives the cluster.
type Manifests struct {
	Overlay string
	// Objects are those of Kubernetes itself, Extensions those of the optional components' own kinds.
	Objects    []runtime.Object
	Extensions []*unstructured.Unstructured
}

// extensions are the kinds that components bring besides those of Kubernetes.
var extensions = map[string]bool{
	"monitoring.coreos.com/v1 ServiceMonitor": true,
	"keda.sh/v1alpha1 ScaledObject":           true,
	"cert-manager.io/v1 Certificate":          true,
	"cert-manager.io/v1 Issuer":               true,
	"gateway.networking.k8s.io/v1 HTTPRoute":  true,
	"cilium.io/v2 CiliumNetworkPolicy":        true,
}

// Tree answers a copy in memory of a folder, so that what is rendered may be added to.
func Tree(dir string) (filesys.FileSystem, error) {
	tree := filesys.MakeFsInMemory()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path) //nolint:gosec // our own manifests
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		return tree.WriteFile(filepath.Join("/k8s", rel), data)
	})
	if err != nil {
		return nil, fmt.Errorf("read the manifests: %w", err)
	}
	return tree, nil
}

// Render builds an overlay of the tree, with components, and decodes it strictly.
func Render(tree filesys.FileSystem, overlay string, components ...string) (Manifests, error) {
	place := filepath.Join("/k8s", overlay)
	if len(components) > 0 {
		place = filepath.Join("/k8s/tried", strings.NewReplacer("/", "-").Replace(overlay+"-"+strings.Join(components, "-")))
		text := "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [../../" + overlay + "]\ncomponents:\n"
		for _, c := range components {
			text += "  - ../../components/" + c + "\n"
		}
		if err := tree.WriteFile(filepath.Join(place, "kustomization.yaml"), []byte(text)); err != nil {
			return Manifests{}, fmt.Errorf("add components: %w", err)
		}
	}
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(tree, place)
	if err != nil {
		return Manifests{}, fmt.Errorf("render %s: %w", overlay, err)
	}
	return decode(overlay, built)
}

// decode makes typed objects; a field or a value that the type does not have is an error.
func decode(overlay string, built resmap.ResMap) (Manifests, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		appsv1.AddToScheme, autoscalingv2.AddToScheme, batchv1.AddToScheme, corev1.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			return Manifests{}, fmt.Errorf("know the types: %w", err)
		}
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	made := Manifests{Overlay: overlay}
	for _, resource := range built.Resources() {
		text, err := resource.AsYAML()
		if err != nil {
			return Manifests{}, fmt.Errorf("write %s: %w", resource.CurId(), err)
		}
		kind := resource.GetApiVersion() + " " + resource.GetKind()
		if extensions[kind] {
			data, err := resource.MarshalJSON()
			if err != nil {
				return Manifests{}, fmt.Errorf("write %s: %w", resource.CurId(), err)
			}
			x := &unstructured.Unstructured{}
			if err := x.UnmarshalJSON(data); err != nil {
				return Manifests{}, fmt.Errorf("read %s: %w", resource.CurId(), err)
			}
			made.Extensions = append(made.Extensions, x)
			continue
		}
		object, _, err := decoder.Decode(text, nil, nil)
		if err != nil {
			return Manifests{}, fmt.Errorf("%s %s: %w", kind, resource.GetName(), err)
		}
		made.Objects = append(made.Objects, object)
	}
	return made, nil
}

// Of answers the objects of one type.
func Of[T runtime.Object](m Manifests) []T {
	var found []T
	for _, object := range m.Objects {
		if typed, ok := object.(T); ok {
			found = append(found, typed)
		}
	}
	return found
}

// Workload is something that makes pods.
type Workload struct {
	Kind, Name string
	Pod        *corev1.PodTemplateSpec
}

// Workloads answers everything that makes pods.
func (m Manifests) Workloads() []Workload {
	var found []Workload
	for _, d := range Of[*appsv1.Deployment](m) {
		found = append(found, Workload{"Deployment", d.Name, &d.Spec.Template})
	}
	for _, s := range Of[*appsv1.StatefulSet](m) {
		found = append(found, Workload{"StatefulSet", s.Name, &s.Spec.Template})
	}
	for _, j := range Of[*batchv1.Job](m) {
		found = append(found, Workload{"Job", j.Name, &j.Spec.Template})
	}
	return found
}
