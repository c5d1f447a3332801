package change

import (
	"fmt"
	"strings"
	"time"

	"github.com/midwatch/midwatch/collector/kube/index"
	"github.com/midwatch/midwatch/collector/kube/object"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// Change is one thing that changed for one workload.
type Change struct {
	Event         string         // telemetry.EventDeployment or telemetry.EventChange
	Kind          string         // telemetry.ChangeImage …
	Workload      index.Workload // zero: none in particular
	Before, After string
	Detail        string // what differs, a line each, at most 4 KiB
	File          string // kind/name of the object that changed
	Actor         string
	Summary       string // one line
}

// Versions are what happened to an object. Before is nil of one that came, After of one that went; both are normalized and masked.
type Versions struct {
	Before, After object.Object
	Diff          object.Diff
	Manager       string // field manager of the difference
	Subresource   string // through which it wrote: "", status, scale
	Since         time.Duration
}

// Cluster answers what an object alone does not say. *index.Index is one.
type Cluster interface {
	WorkloadOf(object.Object) index.Workload
	Readers(namespace, configMap string) []index.Workload
	Behind(namespace, service string) []index.Workload
	Scaler(index.Workload) string
}

var _ Cluster = (*index.Index)(nil)

// Of returns the changes between two versions, none for most.
func Of(v Versions, c Cluster) []Change {
	o := v.After
	if o == nil {
		o = v.Before
	}
	t := teller{v: v, c: c, o: o, file: strings.ToLower(o.Kind()) + "/" + o.Name()}
	switch o.Kind() {
	case "Deployment", "StatefulSet", "DaemonSet", "CronJob":
		t.template()
		t.replicas()
	case "ReplicaSet":
		if _, controlled := o.Controller(); !controlled {
			t.template()
			t.replicas()
		}
	case "ConfigMap":
		t.configuration()
	case "HorizontalPodAutoscaler":
		t.autoscaler()
	case "Node":
		t.node()
	case "ResourceQuota":
		t.spec(telemetry.ChangeQuota, "/spec/hard")
	case "Service":
		t.service()
	case "Ingress", "NetworkPolicy", "Gateway", "HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute":
		t.spec(telemetry.ChangeNetwork, "/spec")
	}
	return t.out
}

// teller collects the changes of one object.
type teller struct {
	v    Versions
	c    Cluster
	o    object.Object
	file string
	out  []Change
}

func (t *teller) add(c Change) {
	c.File = t.file
	if c.Actor == "" {
		c.Actor = t.v.Manager
	}
	t.out = append(t.out, c)
}

// spec tells of what matters as a whole: that it came, went or says something else at paths.
func (t *teller) spec(kind string, paths ...string) {
	what := t.file
	if ns := t.o.Namespace(); ns != "" {
		what += " in " + ns
	}
	c := Change{Event: telemetry.EventChange, Kind: kind, Workload: t.c.WorkloadOf(t.o)}
	switch {
	case t.v.Before == nil:
		c.After, c.Summary = "created", what+" was created"
	case t.v.After == nil:
		c.Before, c.Summary = "deleted", what+" was deleted"
	default:
		diff := under(t.v.Diff, paths...)
		if len(diff) == 0 {
			return
		}
		c.Before, c.After, c.Detail = sides(diff)
		c.Summary = fmt.Sprintf("%s changed: %s", what, fields(diff))
	}
	t.add(c)
}

func under(d object.Diff, paths ...string) object.Diff {
	var out object.Diff
	for _, p := range paths {
		out = append(out, d.Under(p)...)
	}
	return out
}
