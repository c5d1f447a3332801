package index

import (
	"slices"
	"strings"
	"time"

	"github.com/midwatch/midwatch/collector/kube/object"
)

// Pod is what telemetry says of its pod. It is not changed once it is handed out.
type Pod struct {
	Namespace, Name, UID, Node string
	Workload                   Workload
	Labels                     map[string]string // those configured

	by      string // uid of the controller
	address []string
	ids     []string
	from    time.Time // since when it can have used its address
	until   time.Time // since when it cannot; zero: it still does
	forget  time.Time
}

type containerOf struct {
	pod  *Pod
	name string
}

// clockTrust is how far a node's clock may be from ours for the times it wrote into a status to be taken.
const clockTrust = 30 * time.Second

func (x *Index) pod(s Seen) {
	o := s.Object
	before := x.pods[o.UID()]
	if s.Deleted {
		x.podGone(before, s)
		return
	}
	if before != nil && !before.forget.IsZero() { // gone; a version that is told again does not bring it back
		return
	}
	by, _ := controllerOf(o)
	p := &Pod{
		Namespace: o.Namespace(), Name: o.Name(), UID: o.UID(), Node: o.Map("spec").Text("nodeName"), by: by.UID,
		Workload: x.top(o), Labels: x.labels(o),
	}
	p.from, p.until = lifetime(s)
	if before != nil {
		if !before.from.IsZero() {
			p.from = before.from
		}
		p.ids = before.ids // of containers that restarted: their last lines come later
	}
	x.pods[p.UID] = p
	if s := x.awaited[p.UID]; s != nil {
		delete(x.awaited, p.UID)
		x.lookBehind(s)
	}
	for _, c := range statuses(o) {
		for _, id := range []string{c.Text("containerID"), c.Map("lastState", "terminated").Text("containerID")} {
			if _, id, ok := strings.Cut(id, "://"); ok {
				x.containers[id] = containerOf{p, c.Text("name")}
				if !slices.Contains(p.ids, id) {
					p.ids = append(p.ids, id)
				}
			}
		}
	}
	for _, id := range p.ids {
		x.containers[id] = containerOf{p, x.containers[id].name}
	}
	if o.Map("spec")["hostNetwork"] == true { // whose address is the node's
		return
	}
	p.address = podIPs(o)
	if before != nil {
		x.release(before)
	}
	x.occupy(p)
}

func (x *Index) labels(o object.Object) map[string]string {
	var out map[string]string
	labels := o.Metadata().Map("labels")
	for _, key := range x.cfg.PodLabels {
		if v := labels.Text(key); v != "" {
			if out == nil {
				out = map[string]string{}
			}
			out[key] = v
		}
	}
	return out
}

// podGone ends the pod's intervals; what it was stays known for a while.
func (x *Index) podGone(p *Pod, s Seen) {
	if p == nil || !p.forget.IsZero() {
		return
	}
	gone := *p
	if gone.until.IsZero() {
		gone.until = s.At
		if _, end := lifetime(s); !end.IsZero() && end.Before(s.At) {
			gone.until = end
		}
	}
	gone.forget = s.At.Add(x.cfg.Keep)
	x.release(p)
	x.pods[gone.UID] = &gone
	for _, id := range gone.ids {
		x.containers[id] = containerOf{&gone, x.containers[id].name}
	}
	x.occupy(&gone)
	x.gone = append(x.gone, &gone)
}

// forget drops what went long ago, or first when there is too much of it.
func (x *Index) forget() {
	n := 0
	for n < len(x.gone) && (len(x.gone)-n > x.cfg.MaxGone || x.cfg.Now().After(x.gone[n].forget)) {
		p := x.gone[n]
		x.release(p)
		delete(x.pods, p.UID)
		for _, id := range p.ids {
			delete(x.containers, id)
		}
		x.gone[n] = nil
		n++
	}
	x.gone = x.gone[n:]
}

// lifetime is between when the pod can have used its address: from the start of its first container to the end of its last one. Where
// the node's clock disagrees with ours, and where nothing is said, it is from when it was seen.
func lifetime(s Seen) (from, until time.Time) {
	running, all := false, statuses(s.Object)
	for _, c := range all {
		for _, state := range []object.Object{c.Map("state"), c.Map("lastState")} {
			for _, key := range []string{"running", "terminated"} {
				if t := state.Map(key).Time("startedAt"); !t.IsZero() && (from.IsZero() || t.Before(from)) {
					from = t
				}
			}
		}
		if t := c.Map("state", "terminated").Time("finishedAt"); t.IsZero() {
			running = true
		} else if t.After(until) {
			until = t.Add(time.Second) // the status has whole seconds
		}
	}
	if phase := s.Object.Map("status").Text("phase"); running || len(all) == 0 || phase != "Succeeded" && phase != "Failed" {
		until = time.Time{}
	}
	if !until.IsZero() && s.Live && s.At.Sub(until).Abs() > clockTrust {
		until = s.At
	}
	if len(podIPs(s.Object)) == 0 {
		return time.Time{}, until
	}
	if from.IsZero() || s.Live && s.At.Sub(from).Abs() > clockTrust && !older(s, from) {
		from = s.At.Add(-time.Second) // the kubelet tells a moment after the pod has the address
	}
	return from, until
}

// older says that the pod ran before it was watched: a container that started long before is no sign of a wrong clock. It goes by the API
// server's time of creation, which is at most moments before the start.
func older(s Seen, from time.Time) bool {
	created := s.Object.Metadata().Time("creationTimestamp")
	return !from.Before(created) && s.At.Sub(created) > clockTrust && from.Before(s.At)
}

func statuses(o object.Object) []object.Object {
	status := o.Map("status")
	return slices.Concat(status.Items("initContainerStatuses"), status.Items("containerStatuses"), status.Items("ephemeralContainerStatuses"))
}

func podIPs(o object.Object) []string {
	status := o.Map("status")
	var out []string
	for _, ip := range status.Items("podIPs") {
		out = append(out, ip.Text("ip"))
	}
	if one := status.Text("podIP"); one != "" && !slices.Contains(out, one) {
		out = append(out, one)
	}
	return out
}

// podWorkload climbs again: the controller may have become known after the pod.
func (x *Index) podWorkload(p *Pod) Workload {
	if p.by == "" {
		return p.Workload
	}
	return x.climb(owned{workload: Workload{p.Namespace, "Pod", p.Name}, by: p.by, parent: p.Workload})
}

// Container is the pod that a container belongs to, with the container's name in it.
func (x *Index) Container(id string) (p Pod, container string, ok bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	c, ok := x.containers[id]
	if !ok {
		return Pod{}, "", false
	}
	p = *c.pod
	p.Workload = x.podWorkload(c.pod)
	return p, c.name, true
}
