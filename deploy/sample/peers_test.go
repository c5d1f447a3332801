package sample_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/api/client"
	"github.com/midwatch/midwatch/deploy/demo"
	"github.com/midwatch/midwatch/deploy/sample"
	"github.com/midwatch/midwatch/deploy/testcluster/clustertest"
)

// outside is an address that is nobody's in the cluster, and what the cluster's DNS says of it.
const (
	outside = "192.0.2.7"
	zone    = `
    rates.example.com:53 {
      template IN A {
        answer "{{ .Name }} 60 IN CNAME edge.example.net."
        answer "edge.example.net. 60 IN A 192.0.2.7"
      }
      template IN AAAA {
        rcode NOERROR
      }
    }
    .:53 {`
)

// abroad is a client of what is outside, and a Service without a selector that stands for it.
const abroad = `
apiVersion: v1
kind: Service
metadata: {name: ledger, namespace: abroad}
spec: {clusterIP: None, ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ledger-1, namespace: abroad, labels: {kubernetes.io/service-name: ledger}}
addressType: IPv4
ports: [{port: 80}]
endpoints: [{addresses: ["192.0.2.7"]}]
---
`

// TestPeersOfPods watches pods that call a pod, a Service, what is outside by its name, and what is outside by the name of a Service.
func TestPeersOfPods(t *testing.T) {
	image := clustertest.Image(t, sample.Image, "github.com/midwatch/midwatch/deploy/sample/cmd/sample")
	n := &night{T: t, cluster: clustertest.Start(t, image)}
	root, err := filepath.Abs("../..")
	n.must(err)
	n.stage = &demo.Stage{
		Midwatch: filepath.Join(root, "bin/midwatch"), Data: filepath.Join(t.TempDir(), "midwatch"), Say: demo.NewNarrator(t.Output()),
		Settings: map[string]any{"exporter": map[string]any{"kubeconfig": n.cluster.Kubeconfig()}},
	}
	n.must(os.MkdirAll(n.stage.Data, 0o700))
	n.must(n.stage.Configure(t.Context()))
	n.must(n.stage.StartMidwatch(t.Context()))
	t.Cleanup(n.stage.Stop)

	config, err := n.cluster.Kubectl(t.Context(), "", "-n", "kube-system", "get", "configmap", "coredns", "-o", "yaml")
	n.must(err)
	n.kubectl(strings.Replace(config, "\n    .:53 {", zone, 1), "replace", "-f", "-")
	n.kubectl("", "-n", "kube-system", "rollout", "restart", "deployment/coredns")
	n.kubectl("", "-n", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=120s")

	n.kubectl(sample.Manifests("abroad"), "apply", "-f", "-")
	n.settled("abroad")
	pod, err := n.cluster.Kubectl(t.Context(), "", "-n", "abroad", "get", "pods", "-l", "app=front", "-o", "jsonpath={.items[0].status.podIP}")
	n.must(err)
	n.run("iptables -t nat -I PREROUTING -p tcp -d " + outside + " --dport 80 -j DNAT --to-destination " + pod + ":8080")
	n.run("iptables -t nat -I POSTROUTING -p tcp -d " + pod + " -m conntrack --ctorigdst " + outside + " -j MASQUERADE") // the answer comes the same way
	n.kubectl(abroad+callers(sample.Manifests("abroad"), map[string]string{
		"outside": "http://rates.example.com", "pod": "http://" + pod + ":8080", "books": "http://ledger.abroad.svc.cluster.local",
	}), "apply", "-f", "-")

	n.api, err = n.stage.Client(t.Context(), "viewer")
	n.must(err)
	want := []string{
		"outside.abroad -> rates.example.com at rates.example.com:80",
		"pod.abroad -> front.abroad at " + pod + ":8080",
		"books.abroad -> ledger.abroad at " + outside + ":80",
		"front.abroad -> back.abroad",
		"load.abroad -> front.abroad",
	}
	var seen []string
	defer func() { t.Log("calls:\n" + strings.Join(seen, "\n")) }()
	n.wait("every peer by its name", 3*time.Minute, func() bool {
		seen = n.edges()
		missing := slices.DeleteFunc(slices.Clone(want), func(w string) bool {
			return slices.ContainsFunc(seen, func(s string) bool { return strings.HasPrefix(s, w) })
		})
		return len(missing) == 0
	})
	for _, s := range seen {
		if strings.Contains(s, ".svc.cluster.local") {
			t.Errorf("%s: a name of the cluster's own is taken for one outside", s)
		}
	}
}

// callers are copies of the manifests' client that ask other targets, by name.
func callers(manifests string, targets map[string]string) string {
	load := manifests[strings.LastIndex(manifests, "---\n"):]
	var out strings.Builder
	for name, target := range targets {
		out.WriteString(strings.NewReplacer("load", name, "http://front.abroad.svc.cluster.local", target).Replace(load))
	}
	return out.String()
}

// edges are the calls that pods of the namespace made lately, sorted.
func (n *night) edges() (out []string) {
	n.Helper()
	list, err := n.api.Edges(n.Context(), client.Range{From: time.Now().Add(-10 * time.Minute), To: time.Now()})
	n.must(err)
	for _, e := range list.Edges.Edges {
		if strings.HasSuffix(e.From, ".abroad") && e.Protocol == "http" {
			out = append(out, fmt.Sprintf("%s -> %s at %s", e.From, e.To, e.Address))
		}
	}
	slices.Sort(out)
	return out
}

// run runs a command in the cluster's network.
func (n *night) run(command string) {
	n.Helper()
	if _, err := n.cluster.Run(n.Context(), strings.Fields(command)...); err != nil {
		n.Fatal(err)
	}
}
