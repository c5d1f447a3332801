package testcluster

import (
	"embed"
	"os"
	"path/filepath"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

//go:embed node
var nodeFiles embed.FS

// Addresses on the node's network, which is the cluster's own.
const (
	nodeAddress    = "10.99.0.1"
	serviceAddress = "10.96.0.1" // of the Service kubernetes
	apiAddress     = nodeAddress + ":6443"
)

// files writes what the components read.
func (c *Cluster) files() error {
	for _, dir := range []string{c.logs(), c.pki(), filepath.Join(c.cfg.Dir, "cni")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	if err := writeCertificates(c.pki()); err != nil {
		return err
	}
	for _, name := range []string{admin, nodeClient, controllers, scheduler, proxy} {
		path := filepath.Join(c.pki(), name+".kubeconfig")
		if err := writeKubeconfig(path, c.pki(), name, "https://"+apiAddress); err != nil {
			return err
		}
	}
	for from, to := range map[string]string{
		"containerd.toml": "kubernetes/containerd.toml",
		"kubelet.yaml":    "kubernetes/kubelet.yaml",
		"bridge.conflist": "cni/bridge.conflist",
	} {
		b, err := nodeFiles.ReadFile("node/" + from)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(c.cfg.Dir, to), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// writeKubeconfig writes a file that holds everything an identity needs to talk to server.
func writeKubeconfig(path, pki, identity, server string) error {
	read := func(name string) []byte {
		b, _ := os.ReadFile(filepath.Join(pki, name)) // an empty one is refused by whoever reads it
		return b
	}
	cfg := api.NewConfig()
	cfg.Clusters["testcluster"] = &api.Cluster{Server: server, CertificateAuthorityData: read("ca.pem")}
	cfg.AuthInfos[identity] = &api.AuthInfo{ClientCertificateData: read(identity + ".pem"), ClientKeyData: read(identity + "-key.pem")}
	cfg.Contexts["testcluster"] = &api.Context{Cluster: "testcluster", AuthInfo: identity}
	cfg.CurrentContext = "testcluster"
	return clientcmd.WriteToFile(*cfg, path)
}
