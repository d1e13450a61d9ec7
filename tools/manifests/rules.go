package manifests

import (
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	podsecurity "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/slacktalk/slacktalk/internal/daemon"
)

// A Rule answers one sentence for everything that breaks it.
type Rule func(m Manifests) []string

// Restricted wants every pod to be one that the Pod Security standard "restricted" admits.
func Restricted(m Manifests) []string {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return []string{err.Error()}
	}
	level := podsecurity.LevelVersion{Level: podsecurity.LevelRestricted, Version: podsecurity.LatestVersion()}
	var broken []string
	for _, w := range m.Workloads() {
		for _, result := range evaluator.EvaluatePod(level, &w.Pod.ObjectMeta, &w.Pod.Spec) {
			if !result.Allowed {
				broken = append(broken, fmt.Sprintf("%s %s is not restricted: %s: %s", w.Kind, w.Name, result.ForbiddenReason, result.ForbiddenDetail))
			}
		}
	}
	return broken
}

// Numbered wants users that no machine has: ids below 10000 may be somebody's on the node. NATS and Redis are those of their images.
func Numbered(m Manifests) []string {
	var broken []string
	for _, w := range m.Workloads() {
		if user := w.Pod.Spec.SecurityContext.RunAsUser; w.Name != "nats" && w.Name != "redis" && (user == nil || *user < 10000) {
			broken = append(broken, w.Kind+" "+w.Name+" has a low user id, or none")
		}
	}
	return broken
}

// Contained wants of every container a fixed image, a read-only root, requests and limits, and a Go memory limit below that of the kernel.
func Contained(m Manifests) []string {
	var broken []string
	for _, w := range m.Workloads() {
		for _, c := range w.Pod.Spec.Containers {
			for _, problem := range contained(c) {
				broken = append(broken, w.Kind+" "+w.Name+": "+problem)
			}
		}
	}
	return broken
}

func contained(c corev1.Container) []string {
	var broken []string
	_, tag, tagged := strings.Cut(c.Image[strings.LastIndex(c.Image, "/")+1:], ":")
	if !tagged || tag == "latest" || strings.Contains(tag, "latest") {
		broken = append(broken, "the image "+c.Image+" has no fixed version")
	}
	if c.ImagePullPolicy != corev1.PullIfNotPresent {
		broken = append(broken, "the image is not pulled IfNotPresent")
	}
	if c.SecurityContext == nil || c.SecurityContext.ReadOnlyRootFilesystem == nil || !*c.SecurityContext.ReadOnlyRootFilesystem {
		broken = append(broken, "the root file system can be written to")
	}
	for _, what := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage} {
		request, limit := c.Resources.Requests[what], c.Resources.Limits[what]
		if request.IsZero() || limit.IsZero() || request.Cmp(limit) > 0 {
			broken = append(broken, fmt.Sprintf("requests %s of %s, limit %s", &request, what, &limit))
		}
	}
	return append(broken, goLimits(c)...)
}

// goLimits reports a Go program whose collector would not know of the memory limit, or whose threads not of the CPU limit. Redis is not one.
func goLimits(c corev1.Container) []string {
	if c.Name == "redis" {
		return nil
	}
	var broken []string
	limit, procs := int64(0), false
	for _, e := range c.Env {
		if e.Name == "GOMEMLIMIT" {
			// Go's MiB is Kubernetes's Mi.
			q, err := resource.ParseQuantity(strings.TrimSuffix(e.Value, "B"))
			if err != nil {
				broken = append(broken, "GOMEMLIMIT="+e.Value+" cannot be read")
			}
			limit = q.Value()
		}
		procs = procs || e.Name == "GOMAXPROCS" && e.ValueFrom != nil && e.ValueFrom.ResourceFieldRef != nil && e.ValueFrom.ResourceFieldRef.Resource == "limits.cpu"
	}
	if kernel := c.Resources.Limits.Memory().Value(); limit < kernel*85/100 || limit > kernel*95/100 {
		broken = append(broken, fmt.Sprintf("GOMEMLIMIT is %d, want nine tenths of the limit %d", limit, kernel))
	}
	if !procs {
		broken = append(broken, "GOMAXPROCS does not follow limits.cpu")
	}
	return broken
}

// Probed wants of everything that serves that it is asked whether it has started, lives and is ready.
func Probed(m Manifests) []string {
	var broken []string
	for _, w := range m.Workloads() {
		for _, c := range w.Pod.Spec.Containers {
			if w.Kind != "Job" && (c.StartupProbe == nil || c.LivenessProbe == nil || c.ReadinessProbe == nil) {
				broken = append(broken, w.Kind+" "+w.Name+" lacks a probe")
			}
		}
	}
	return broken
}

// Tokenless wants that nobody gets a token of the cluster's API, nor the default account.
func Tokenless(m Manifests) []string {
	accounts := map[string]bool{}
	for _, a := range Of[*corev1.ServiceAccount](m) {
		accounts[a.Name] = a.AutomountServiceAccountToken != nil && !*a.AutomountServiceAccountToken
	}
	var broken []string
	for _, w := range m.Workloads() {
		pod := w.Pod.Spec
		if !accounts[pod.ServiceAccountName] || pod.ServiceAccountName != w.Name {
			broken = append(broken, w.Kind+" "+w.Name+" has no account of its own that gets no token")
		}
		if pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken {
			broken = append(broken, w.Kind+" "+w.Name+" mounts a token")
		}
	}
	return broken
}

// SecretsApart wants every Secret in one workload only, as files, and none in an environment.
func SecretsApart(m Manifests) []string {
	users := map[string][]string{}
	var broken []string
	for _, w := range m.Workloads() {
		for _, v := range w.Pod.Spec.Volumes {
			if v.Secret != nil {
				users[v.Secret.SecretName] = append(users[v.Secret.SecretName], w.Name)
			}
		}
		for _, c := range w.Pod.Spec.Containers {
			inEnv := slices.ContainsFunc(c.Env, func(e corev1.EnvVar) bool { return e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil }) ||
				slices.ContainsFunc(c.EnvFrom, func(e corev1.EnvFromSource) bool { return e.SecretRef != nil })
			if inEnv {
				broken = append(broken, w.Name+" has a secret in its environment")
			}
		}
	}
	for secret, who := range users {
		if len(who) > 1 {
			broken = append(broken, fmt.Sprintf("the Secret %s is mounted by %s", secret, strings.Join(who, " and ")))
		}
	}
	if len(Of[*corev1.Secret](m)) > 0 {
		broken = append(broken, "a Secret is among the manifests")
	}
	return broken
}

// Budgeted wants every workload that serves to have exactly one disruption budget, and one that lets a node be drained.
func Budgeted(m Manifests) []string {
	var broken []string
	for _, w := range m.Workloads() {
		if w.Kind == "Job" {
			continue
		}
		n := 0
		for _, b := range Of[*policyv1.PodDisruptionBudget](m) {
			if !selects(b.Spec.Selector, w.Pod.Labels) {
				continue
			}
			n++
			if b.Spec.MaxUnavailable == nil || b.Spec.MaxUnavailable.IntValue() < 1 {
				broken = append(broken, b.Name+"'s budget lets no node be drained")
			}
		}
		if n != 1 {
			broken = append(broken, fmt.Sprintf("%s has %d disruption budgets", w.Name, n))
		}
	}
	return broken
}

// Scaled wants that the number of replicas of a Deployment has one owner: a HorizontalPodAutoscaler, or the Deployment itself.
func Scaled(m Manifests) []string {
	var broken []string
	for _, d := range Of[*appsv1.Deployment](m) {
		owned := 0
		for _, h := range Of[*autoscalingv2.HorizontalPodAutoscaler](m) {
			if h.Spec.ScaleTargetRef.Kind == "Deployment" && h.Spec.ScaleTargetRef.Name == d.Name {
				owned++
			}
		}
		for _, x := range m.Extensions {
			if name, _, _ := nested(x, "spec", "scaleTargetRef", "name"); x.GetKind() == "ScaledObject" && name == d.Name {
				owned++
			}
		}
		if d.Spec.Replicas != nil {
			owned++
		}
		if owned != 1 {
			broken = append(broken, fmt.Sprintf("%d say how many replicas of %s there are", owned, d.Name))
		}
	}
	return broken
}

// Patient wants that Kubernetes waits for the whole of an ordered stop: the pause before it, and then the service's own time.
func Patient(m Manifests) []string {
	var broken []string
	for _, d := range Of[*appsv1.Deployment](m) {
		pod := d.Spec.Template.Spec
		c := pod.Containers[0]
		if c.Lifecycle == nil || c.Lifecycle.PreStop == nil || c.Lifecycle.PreStop.Sleep == nil || c.Lifecycle.PreStop.Sleep.Seconds < 3 {
			broken = append(broken, d.Name+" stops before everybody has heard of it")
			continue
		}
		needs := time.Duration(c.Lifecycle.PreStop.Sleep.Seconds)*time.Second + daemon.Grace
		if got := time.Duration(*pod.TerminationGracePeriodSeconds) * time.Second; got < needs+5*time.Second {
			broken = append(broken, fmt.Sprintf("%s is killed after %v and needs up to %v", d.Name, got, needs))
		}
		rolling := d.Spec.Strategy.RollingUpdate
		if rolling == nil || rolling.MaxUnavailable.IntValue() != 0 {
			broken = append(broken, d.Name+"'s rolling update takes a pod away before the next is ready")
		}
	}
	return broken
}

func selects(selector *metav1.LabelSelector, set map[string]string) bool {
	s, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && s.Matches(labels.Set(set))
}
