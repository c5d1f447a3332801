package kubernetes

import (
	"fmt"
	"time"
)

// Columns are what a list shows of an object of any kind; what a kind has not is empty.
type Columns struct {
	Status   string   // one word or two: Running, CrashLoopBackOff, Ready,SchedulingDisabled, Bound
	Ready    string   // 1/2
	Restarts int      // of a pod's containers
	Node     string   // of a pod
	Images   []string // of a pod or a pod template
	IP       string   // of a pod or a Service
	Message  string   // why it is as it is, in the cluster's words
	// Unhealthy says that the object is not as it should be, whether or not it soon will: a pod that is not ready, a rollout that is not done.
	Unhealthy bool
}

// ColumnsOf reads them off an object.
func ColumnsOf(o Object) Columns {
	switch o.Kind {
	case "Pod":
		p := PodOf(o)
		ready, of := p.Ready()
		return Columns{
			Unhealthy: p.unhealthy(), Message: p.why(),
			Status: p.State(), Ready: fmt.Sprintf("%d/%d", ready, of), Restarts: p.Restarts(), Node: p.Spec.NodeName, Images: p.Spec.Images(), IP: p.Status.PodIP,
		}
	case "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job":
		return WorkloadOf(o).columns()
	case "Node":
		n := NodeOf(o)
		return Columns{Status: n.State(), Images: []string{}, Unhealthy: n.State() != "Ready", Message: n.why()}
	}
	return other(o)
}

// other is what most kinds have in common: a phase, an address.
func other(o Object) Columns {
	v := into[struct {
		Spec struct {
			Type      string `json:"type"`
			ClusterIP string `json:"clusterIP"`
			Suspend   bool   `json:"suspend"`
		} `json:"spec"`
		Status struct {
			Phase           string      `json:"phase"`
			CurrentReplicas *int        `json:"currentReplicas"`
			DesiredReplicas *int        `json:"desiredReplicas"`
			Conditions      []Condition `json:"conditions"`
		} `json:"status"`
	}](o)
	c := Columns{Status: v.Status.Phase, Images: []string{}}
	switch o.Kind {
	case "Service":
		c.Status, c.IP = v.Spec.Type, v.Spec.ClusterIP
	case "CronJob":
		if v.Spec.Suspend {
			c.Status = "Suspended"
		}
	case "HorizontalPodAutoscaler":
		if v.Status.CurrentReplicas != nil && v.Status.DesiredReplicas != nil {
			c.Ready = fmt.Sprintf("%d/%d", *v.Status.CurrentReplicas, *v.Status.DesiredReplicas)
		}
	}
	if o.Metadata.DeletionTimestamp != nil {
		c.Status = "Terminating"
	}
	if ready, ok := condition(v.Status.Conditions, "Ready"); ok && c.Status == "" {
		c.Status = map[string]string{"True": "Ready", "False": "NotReady"}[ready.Status]
	}
	return c
}

// Age is how old an object was at a moment; 0 when it does not tell.
func (o Object) Age(at time.Time) time.Duration {
	if o.Metadata.CreationTimestamp.IsZero() || o.Metadata.CreationTimestamp.After(at) {
		return 0
	}
	return at.Sub(o.Metadata.CreationTimestamp)
}
