package manifests

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
)

// places are everybody who might open a connection, or be connected to, besides the workloads.
func places(m Manifests) map[string]Peer {
	found := map[string]Peer{
		"settings client":       {Ours: true, Labels: map[string]string{"slacktalk/settings-client": "true"}},
		"stranger":              {Ours: true, Labels: map[string]string{"app": "stranger"}},
		"another namespace":     {Labels: map[string]string{"app.kubernetes.io/name": "router"}, Namespace: map[string]string{"kubernetes.io/metadata.name": "other"}},
		"a forged label there":  {Labels: map[string]string{"slacktalk/settings-client": "true"}, Namespace: map[string]string{"kubernetes.io/metadata.name": "other"}},
		"metrics":               {Namespace: map[string]string{"slacktalk/metrics": "true"}},
		"names":                 {Namespace: map[string]string{"kubernetes.io/metadata.name": "kube-system"}},
		"KARTE or Slack":        {Address: netip.MustParseAddr("8.8.8.8")},
		"KARTE or Slack (v6)":   {Address: netip.MustParseAddr("2606:4700::1")},
		"the cloud's metadata":  {Address: netip.MustParseAddr("169.254.169.254")},
		"the company's network": {Address: netip.MustParseAddr("10.1.2.3")},
		"the node itself (v6)":  {Address: netip.MustParseAddr("fd00::1")},
	}
	for _, w := range m.Workloads() {
		found[w.Name], _ = m.Pod(w.Name)
	}
	return found
}

// expected is every connection that may be opened. It is written down by hand, from what README.md promises.
var expected = map[string][]string{
	"overlays/dev": append([]string{}, everywhere...),
	"overlays/trial": append([]string{
		"slack-gateway → standins:8080", "ingest-karte → standins:8082", "standins → slack-gateway:8080", "standins → ingest-karte:8080", "standins → names:53",
	}, everywhere...),
	"overlays/production": append([]string{
		"nats → nats:6222",
		"nats → names:53",
	}, everywhere...),
}

var everywhere = []string{
	"ingest-karte → nats:4222", "topology → nats:4222", "topology → names:53", "router → nats:4222", "slack-gateway → nats:4222",
	"router → redis:6379",
	"slack-gateway → router:9090", "settings client → router:9090",
	"ingest-karte → KARTE or Slack:443", "ingest-karte → KARTE or Slack (v6):443",
	"slack-gateway → KARTE or Slack:443", "slack-gateway → KARTE or Slack (v6):443",
	"ingest-karte → names:53", "router → names:53", "slack-gateway → names:53", "settings client → names:53",
	"metrics → ingest-karte:8081", "metrics → router:8081", "metrics → slack-gateway:8081",
	// The ingress controller may be anywhere; every request is signed.
	"another namespace → ingest-karte:8080", "a forged label there → ingest-karte:8080", "metrics → ingest-karte:8080", "names → ingest-karte:8080",
	"KARTE or Slack → ingest-karte:8080", "KARTE or Slack (v6) → ingest-karte:8080", "the company's network → ingest-karte:8080",
	"the cloud's metadata → ingest-karte:8080", "the node itself (v6) → ingest-karte:8080",
	"another namespace → slack-gateway:8080", "a forged label there → slack-gateway:8080", "metrics → slack-gateway:8080", "names → slack-gateway:8080",
	"KARTE or Slack → slack-gateway:8080", "KARTE or Slack (v6) → slack-gateway:8080", "the company's network → slack-gateway:8080",
	"the cloud's metadata → slack-gateway:8080", "the node itself (v6) → slack-gateway:8080",
}

func TestWhoReachesWhom(t *testing.T) {
	for overlay, want := range expected {
		t.Run(overlay, func(t *testing.T) {
			got := open(rendered(t, overlay))
			for _, connection := range want {
				if !slices.Contains(got, connection) {
					t.Errorf("refused, and is needed: %s", connection)
				}
			}
			for _, connection := range got {
				if !slices.Contains(want, connection) {
					t.Errorf("allowed, and is not needed: %s", connection)
				}
			}
		})
	}
}

// open answers every connection that the policies allow, of those with an end in the namespace.
func open(m Manifests) []string {
	all := places(m)
	var found []string
	for fromName, from := range all {
		for toName, to := range all {
			if !from.Ours && !to.Ours {
				continue
			}
			for _, port := range []int32{22, 53, 80, 443, 4222, 6222, 6379, 8080, 8081, 8082, 8222, 9090} {
				if m.Reaches(from, to, port) {
					found = append(found, fmt.Sprintf("%s → %s:%d", fromName, toName, port))
				}
			}
		}
	}
	slices.Sort(found)
	return found
}

// Where NATS and Redis are elsewhere, nobody gets anywhere before their addresses were put in.
func TestExternalNamesTheAddresses(t *testing.T) {
	m := rendered(t, "overlays/external")
	router, _ := m.Pod("router")
	gateway, _ := m.Pod("slack-gateway")
	nats, redis := Peer{Address: netip.MustParseAddr("192.0.2.1")}, Peer{Address: netip.MustParseAddr("192.0.2.2")}
	for what, c := range map[string]struct{ got, want bool }{
		"router reaches NATS":         {m.Reaches(router, nats, 4222), true},
		"router reaches Redis":        {m.Reaches(router, redis, 6379), true},
		"slack-gateway reaches NATS":  {m.Reaches(gateway, nats, 4222), true},
		"slack-gateway reaches Redis": {m.Reaches(gateway, redis, 6379), false},
		"router reaches Slack":        {m.Reaches(router, Peer{Address: netip.MustParseAddr("8.8.8.8")}, 443), false},
	} {
		if c.got != c.want {
			t.Errorf("%s: %t", what, c.got)
		}
	}
}

// With a network plugin that knows names, no plain policy opens the internet any more.
func TestEgressByName(t *testing.T) {
	m := rendered(t, "overlays/production", "egress-by-name")
	for _, service := range []string{"ingest-karte", "router", "slack-gateway"} {
		pod, _ := m.Pod(service)
		if m.Reaches(pod, Peer{Address: netip.MustParseAddr("8.8.8.8")}, 443) {
			t.Errorf("%s reaches any address", service)
		}
	}
	if len(m.Extensions) != 2 {
		t.Errorf("%d policies by name", len(m.Extensions))
	}
}
