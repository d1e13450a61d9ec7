package manifests

import (
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Peer is one end of a connection: a pod, with its own labels and those of its namespace, or an address outside of the cluster.
type Peer struct {
	Labels, Namespace map[string]string
	// Ours is whether the pod is in the namespace of the manifests, where their policies are.
	Ours bool
	// Ports names the pod's ports.
	Ports   map[string]int32
	Address netip.Addr
}

// Reaches answers whether the policies let from open a TCP connection to a port of to: whether from may go out and to lets it in.
func (m Manifests) Reaches(from, to Peer, port int32) bool {
	return m.passes(networkingv1.PolicyTypeEgress, from, to, to.Ports, port) && m.passes(networkingv1.PolicyTypeIngress, to, from, to.Ports, port)
}

// passes answers whether the policies about one end allow the other, as Kubernetes documents it: without a policy everything, with policies what
// any of them allows.
func (m Manifests) passes(direction networkingv1.PolicyType, end, other Peer, names map[string]int32, port int32) bool {
	if !end.Ours {
		return true
	}
	isolated := false
	for _, p := range Of[*networkingv1.NetworkPolicy](m) {
		if !slices.Contains(p.Spec.PolicyTypes, direction) || !selects(&p.Spec.PodSelector, end.Labels) {
			continue
		}
		isolated = true
		if direction == networkingv1.PolicyTypeIngress {
			for _, rule := range p.Spec.Ingress {
				if anyPeer(rule.From, other) && anyPort(rule.Ports, names, port) {
					return true
				}
			}
			continue
		}
		for _, rule := range p.Spec.Egress {
			if anyPeer(rule.To, other) && anyPort(rule.Ports, names, port) {
				return true
			}
		}
	}
	return !isolated
}

func anyPeer(peers []networkingv1.NetworkPolicyPeer, other Peer) bool {
	return len(peers) == 0 || slices.ContainsFunc(peers, func(p networkingv1.NetworkPolicyPeer) bool { return isPeer(p, other) })
}

func isPeer(p networkingv1.NetworkPolicyPeer, other Peer) bool {
	if p.IPBlock != nil {
		return other.Address.IsValid() && inside(p.IPBlock, other.Address)
	}
	if other.Address.IsValid() {
		return false
	}
	if p.NamespaceSelector != nil {
		return selects(p.NamespaceSelector, other.Namespace) && (p.PodSelector == nil || selects(p.PodSelector, other.Labels))
	}
	return other.Ours && selects(p.PodSelector, other.Labels)
}

func inside(block *networkingv1.IPBlock, address netip.Addr) bool {
	in := func(cidr string) bool {
		prefix, err := netip.ParsePrefix(cidr)
		return err == nil && prefix.Contains(address)
	}
	return in(block.CIDR) && !slices.ContainsFunc(block.Except, in)
}

func anyPort(ports []networkingv1.NetworkPolicyPort, names map[string]int32, port int32) bool {
	return len(ports) == 0 || slices.ContainsFunc(ports, func(p networkingv1.NetworkPolicyPort) bool {
		if p.Protocol != nil && *p.Protocol != corev1.ProtocolTCP {
			return false
		}
		if p.Port == nil {
			return true
		}
		if p.Port.StrVal != "" {
			return names[p.Port.StrVal] == port
		}
		return p.Port.IntVal == port || p.EndPort != nil && p.Port.IntVal <= port && port <= *p.EndPort
	})
}

// Pod answers the peer that a workload's pods are.
func (m Manifests) Pod(name string) (Peer, bool) {
	for _, w := range m.Workloads() {
		if w.Name != name {
			continue
		}
		peer := Peer{Labels: w.Pod.Labels, Ours: true, Ports: map[string]int32{}, Namespace: map[string]string{metav1.NamespaceDefault: ""}}
		for _, c := range w.Pod.Spec.Containers {
			for _, p := range c.Ports {
				peer.Ports[p.Name] = p.ContainerPort
			}
		}
		return peer, true
	}
	return Peer{}, false
}
