package kube

import (
	"fmt"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// InCluster stands for a kubeconfig file where the pod's own service account is to be used.
const InCluster = "in-cluster"

// Connect reads how a cluster is reached: from a kubeconfig file, or InCluster.
func Connect(kubeconfig string) (*rest.Config, error) {
	if kubeconfig == InCluster {
		conf, err := rest.InClusterConfig()
		if err != nil {
			return nil, fmt.Errorf("use the pod's service account: %w", err)
		}
		return conf, nil
	}
	conf, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read kubeconfig %s: %w", kubeconfig, err)
	}
	return conf, nil
}
