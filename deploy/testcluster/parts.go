package testcluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Part is a program of the cluster.
type Part string

// The programs of the cluster, in the order they start.
const (
	Containerd  Part = "containerd"
	Etcd        Part = "etcd"
	APIServer   Part = "kube-apiserver"
	Controllers Part = "kube-controller-manager"
	Scheduler   Part = "kube-scheduler"
	Kubelet     Part = "kubelet"
	Proxy       Part = "kube-proxy"

	kubectl Part = "kubectl"
)

const (
	pki     = "/etc/kubernetes/" // of the node
	etcdURL = "http://127.0.0.1:2379"
)

// arguments of each part. Paths are the node's.
var arguments = map[Part][]string{
	Containerd: {"--config", pki + "containerd.toml"},
	Etcd: {
		"--data-dir=/var/lib/etcd", "--listen-client-urls=" + etcdURL, "--advertise-client-urls=" + etcdURL,
		"--listen-peer-urls=http://127.0.0.1:2380", "--initial-advertise-peer-urls=http://127.0.0.1:2380", "--initial-cluster=default=http://127.0.0.1:2380",
		"--unsafe-no-fsync", "--log-level=warn",
	},
	APIServer: {
		"--etcd-servers=" + etcdURL, "--secure-port=6443", "--advertise-address=" + nodeAddress, "--service-cluster-ip-range=10.96.0.0/16",
		"--tls-cert-file=" + pki + "apiserver.pem", "--tls-private-key-file=" + pki + "apiserver-key.pem", "--client-ca-file=" + pki + "ca.pem",
		"--kubelet-client-certificate=" + pki + "apiserver.pem", "--kubelet-client-key=" + pki + "apiserver-key.pem",
		"--kubelet-certificate-authority=" + pki + "ca.pem", "--kubelet-preferred-address-types=InternalIP",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=" + pki + "accounts.pem",
		"--service-account-signing-key-file=" + pki + "accounts-key.pem",
		"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", "--allow-privileged=true",
	},
	Controllers: {
		"--kubeconfig=" + pki + "controllers.kubeconfig", "--authentication-kubeconfig=" + pki + "controllers.kubeconfig",
		"--authorization-kubeconfig=" + pki + "controllers.kubeconfig", "--bind-address=127.0.0.1", "--leader-elect=false",
		"--service-account-private-key-file=" + pki + "accounts-key.pem", "--root-ca-file=" + pki + "ca.pem", "--use-service-account-credentials=true",
		"--cluster-signing-cert-file=" + pki + "ca.pem", "--cluster-signing-key-file=" + pki + "ca-key.pem",
	},
	Scheduler: {
		"--kubeconfig=" + pki + "scheduler.kubeconfig", "--authentication-kubeconfig=" + pki + "scheduler.kubeconfig",
		"--authorization-kubeconfig=" + pki + "scheduler.kubeconfig", "--bind-address=127.0.0.1", "--leader-elect=false",
	},
	Kubelet: {
		"--config=" + pki + "kubelet.yaml", "--kubeconfig=" + pki + "node.kubeconfig", "--hostname-override=" + NodeName, "--node-ip=" + nodeAddress,
	},
	Proxy: {
		"--kubeconfig=" + pki + "proxy.kubeconfig", "--hostname-override=" + NodeName, "--proxy-mode=iptables", "--cluster-cidr=10.99.1.0/24",
		// What conntrack remembers is the whole machine's to set.
		"--conntrack-max-per-core=0", "--conntrack-tcp-timeout-established=0", "--conntrack-tcp-timeout-close-wait=0",
	},
}

// argv is the part's command line.
func (c *Cluster) argv(p Part) []string {
	switch p {
	case Containerd:
		return append([]string{"containerd"}, arguments[p]...)
	case Kubelet:
		return append([]string{c.program(string(p)), "--cgroup-root=" + c.node.groups.name}, arguments[p]...)
	}
	return append([]string{c.program(string(p))}, arguments[p]...)
}

func (c *Cluster) program(name string) string { return filepath.Join(c.cfg.Programs, name) }

// link gives each part, and kubectl, an executable of its own in programs, as elsewhere: what watches processes takes those of one
// executable for one service.
func link(programs string) error {
	kube := filepath.Join(programs, "kube")
	made, err := os.Stat(kube)
	if err != nil {
		return err
	}
	for _, p := range []Part{Etcd, APIServer, Controllers, Scheduler, Kubelet, Proxy, kubectl} {
		path := filepath.Join(programs, string(p))
		if there, err := os.Stat(path); err == nil && os.SameFile(made, there) {
			continue
		}
		_ = os.Remove(path) // of an older build; what runs keeps it
		if err := os.Link(kube, path); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// ready asks a part whether it serves; parts that nobody waits for are not asked.
func (c *Cluster) ready(ctx context.Context, p Part) error {
	switch p {
	case Containerd:
		_, err := c.node.run(ctx, nil, "ctr", "version")
		return err
	case Etcd:
		_, err := c.etcd(ctx, "maintenance/status", nil)
		return err
	case APIServer:
		_, err := c.client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		return err
	case Kubelet: // the node's condition alone may be from before it stopped
		if err := c.get(ctx, "http://127.0.0.1:10248/healthz"); err != nil {
			return err
		}
		return c.nodeReady(ctx)
	}
	return nil
}

// wait asks until the answer is nil, and shows the last one when ctx ends or a part has died meanwhile.
func (c *Cluster) wait(ctx context.Context, what string, ask func(context.Context) error) error {
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		if died := c.died(); died != nil {
			return fmt.Errorf("wait for %s: %w", what, died)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w: %w", what, ctx.Err(), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
