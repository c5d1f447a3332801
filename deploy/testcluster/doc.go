// Package testcluster runs a real Kubernetes cluster of one node for tests and for people: etcd, every component, containerd, real pods, cluster
// DNS. All of it lives in a mount and a network namespace and in control groups of its own, so that the host stays as it was, several clusters
// can run at once, and nothing outlives the launcher: docs/testcluster.md. It needs root, and the programs that `make kube` builds.
package testcluster
