package exporter

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"go.opentelemetry.io/collector/pdata/pcommon"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// cluster knows the pods of one Kubernetes cluster by container id and by address. Safe for concurrent use.
type cluster struct {
	client kubernetes.Interface

	mu          sync.Mutex
	byContainer map[string]pod
	byAddress   map[string]pod
}

// pod is what is added to telemetry.
type pod struct{ namespace, name, workload, service string }

func openCluster(kubeconfig string) (*cluster, error) {
	conf, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read kubeconfig %s: %w", kubeconfig, err)
	}
	client, err := kubernetes.NewForConfig(conf)
	if err != nil {
		return nil, fmt.Errorf("use kubeconfig %s: %w", kubeconfig, err)
	}
	return newCluster(client), nil
}

func newCluster(client kubernetes.Interface) *cluster {
	return &cluster{client: client, byContainer: map[string]pod{}, byAddress: map[string]pod{}}
}

// run watches pods until ctx ends. While the API server is away what is known stays known.
func (c *cluster) run(ctx context.Context) error {
	factory := informers.NewSharedInformerFactory(c.client, 0)
	informer := factory.Core().V1().Pods().Informer()
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { c.change(nil, obj) },
		UpdateFunc: c.change,
		DeleteFunc: func(obj any) {
			if gone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
				obj = gone.Obj
			}
			c.change(obj, nil)
		},
	})
	if err != nil {
		return fmt.Errorf("watch pods: %w", err)
	}
	factory.Start(ctx.Done())
	<-ctx.Done()
	factory.Shutdown()
	return nil
}

func (c *cluster) change(before, after any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p, ok := before.(*corev1.Pod); ok {
		for _, id := range containerIDs(p) {
			delete(c.byContainer, id)
		}
		if c.byAddress[p.Status.PodIP].name == p.Name {
			delete(c.byAddress, p.Status.PodIP)
		}
	}
	p, ok := after.(*corev1.Pod)
	if !ok {
		return
	}
	known := describePod(p)
	for _, id := range containerIDs(p) {
		c.byContainer[id] = known
	}
	if p.Status.PodIP != "" && !p.Spec.HostNetwork && p.Status.Phase == corev1.PodRunning {
		c.byAddress[p.Status.PodIP] = known
	}
}

// containerIDs are without the runtime's "containerd://".
func containerIDs(p *corev1.Pod) []string {
	var ids []string
	for _, list := range [][]corev1.ContainerStatus{p.Status.ContainerStatuses, p.Status.InitContainerStatuses} {
		for _, s := range list {
			if _, id, ok := strings.Cut(s.ContainerID, "://"); ok {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

func describePod(p *corev1.Pod) pod {
	kind, name := "pod", p.Name
	for _, o := range p.OwnerReferences {
		if o.Controller != nil && *o.Controller {
			kind, name = strings.ToLower(o.Kind), o.Name
		}
	}
	// A Deployment owns its pods through a ReplicaSet called <deployment>-<hash of the template>.
	if base, found := strings.CutSuffix(name, "-"+p.Labels["pod-template-hash"]); found && kind == "replicaset" {
		kind, name = "deployment", base
	}
	return pod{namespace: p.Namespace, name: p.Name, workload: kind + "/" + name, service: name}
}

// describe adds pod and workload to a resource that names its container.
func (c *cluster) describe(resource pcommon.Map) {
	id := text(resource, telemetry.ContainerID)
	if id == "" {
		return
	}
	c.mu.Lock()
	p, ok := c.byContainer[id]
	c.mu.Unlock()
	if !ok {
		return
	}
	resource.PutStr(telemetry.K8sNamespace, p.namespace)
	resource.PutStr(telemetry.K8sPod, p.name)
	resource.PutStr(telemetry.K8sWorkload, p.workload)
	resource.PutStr(telemetry.ServiceName, p.service)
}

// serviceAt returns the service of the pod with an address, or "".
func (c *cluster) serviceAt(address string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.byAddress[address].service
}
