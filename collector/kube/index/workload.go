package index

import (
	"slices"
	"strings"

	"github.com/midwatch/midwatch/collector/kube/object"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// Workload is what people deploy: the topmost controller of a pod, or the pod itself.
type Workload struct{ Namespace, Kind, Name string }

// String is kind/name in the form of telemetry.K8sWorkload, or "" of no workload.
func (w Workload) String() string {
	if w.Kind == "" {
		return ""
	}
	return strings.ToLower(w.Kind) + "/" + w.Name
}

// Service is the service.name of the workload, or "".
func (w Workload) Service() string {
	if w.Kind == "" {
		return ""
	}
	return telemetry.ServiceOf(w.Namespace, w.Name)
}

// climbing are the kinds that something else makes: who controls one is asked who it is. What controls any other kind (an operator) is not
// what people call the workload.
var climbing = map[string]bool{"Pod": true, "ReplicaSet": true, "Job": true}

// workloadKinds are those of Kubernetes' own that run pods.
var workloadKinds = map[string]bool{"Pod": true, "ReplicaSet": true, "Deployment": true, "StatefulSet": true, "DaemonSet": true, "Job": true, "CronJob": true}

// WorkloadOf is the workload an object belongs to: its topmost controller, itself included, or what a HorizontalPodAutoscaler scales. It is zero for what belongs to none.
func (x *Index) WorkloadOf(o object.Object) Workload {
	if o.Kind() == "HorizontalPodAutoscaler" {
		return scaled(o)
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	if !workloadKinds[o.Kind()] {
		return Workload{}
	}
	return x.top(o)
}

// WorkloadByUID is the workload of an object that was seen: of the pod, ReplicaSet, Deployment … with the uid.
func (x *Index) WorkloadByUID(uid string) (Workload, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if p, ok := x.pods[uid]; ok {
		return x.podWorkload(p), true
	}
	if o, ok := x.owners[uid]; ok {
		return x.climb(o), true
	}
	return Workload{}, false
}

// top follows controllers upwards.
func (x *Index) top(o object.Object) Workload {
	self := Workload{o.Namespace(), o.Kind(), o.Name()}
	by, ok := controllerOf(o)
	if !ok {
		return self
	}
	return x.climb(owned{self, by.UID, fallback(o, by)})
}

func (x *Index) climb(o owned) Workload {
	for range 8 { // a cycle would be somebody's mistake, not a reason to hang
		if o.by == "" || !climbing[o.workload.Kind] {
			return o.workload
		}
		next, ok := x.owners[o.by]
		if !ok {
			return o.parent
		}
		o = next
	}
	return o.workload
}

// controllerOf leaves out nodes, which control the mirrors of their static pods.
func controllerOf(o object.Object) (object.Owner, bool) {
	by, ok := o.Controller()
	return by, ok && by.Kind != "Node"
}

// fallback guesses the top when the controller was not seen yet: a Deployment owns its pods through a ReplicaSet called <deployment>-<hash of the template>.
func fallback(o object.Object, by object.Owner) Workload {
	w := Workload{o.Namespace(), by.Kind, by.Name}
	if by.Kind != "ReplicaSet" {
		return w
	}
	hash := o.Metadata().Map("labels").Text("pod-template-hash")
	if base, found := strings.CutSuffix(by.Name, "-"+hash); found && hash != "" {
		return Workload{o.Namespace(), "Deployment", base}
	}
	return w
}

// controller remembers what may control others or run pods.
func (x *Index) controller(s Seen) {
	o := s.Object
	if o.Kind() == "Pod" || o.Kind() == "Event" || o.Kind() == "ConfigMap" {
		return
	}
	if s.Deleted {
		x.setReads(o.UID(), Workload{}, nil) // the owner stays known: its pods outlive it for seconds
		if !workloadKinds[o.Kind()] {
			delete(x.owners, o.UID())
		}
		return
	}
	template := o.PodTemplate()
	by, controlled := controllerOf(o)
	if template == nil && !controlled && !workloadKinds[o.Kind()] {
		return
	}
	self := Workload{o.Namespace(), o.Kind(), o.Name()}
	entry := owned{workload: self}
	if controlled {
		entry.by, entry.parent = by.UID, fallback(o, by)
	}
	if _, known := x.owners[o.UID()]; !known && len(x.owners) > 4*x.cfg.MaxGone {
		clear(x.owners) // only after days of churn; what lives comes back with its next version
	}
	x.owners[o.UID()] = entry
	if template != nil && (!controlled || !climbing[o.Kind()]) {
		x.setReads(o.UID(), self, ConfigMaps(template))
	}
}

func (x *Index) setReads(uid string, w Workload, maps []string) {
	for _, cm := range x.reads[uid] {
		for reader := range x.readers[cm] {
			if strings.HasPrefix(reader, uid+" ") {
				delete(x.readers[cm], reader)
			}
		}
		if len(x.readers[cm]) == 0 {
			delete(x.readers, cm)
		}
	}
	delete(x.reads, uid)
	for _, m := range maps {
		cm := name{w.Namespace, m}
		if x.readers[cm] == nil {
			x.readers[cm] = map[string]bool{}
		}
		x.readers[cm][uid+" "+w.Kind+" "+w.Name] = true
		x.reads[uid] = append(x.reads[uid], cm)
	}
}

// Readers are the workloads whose pod templates name a ConfigMap, ordered by name.
func (x *Index) Readers(namespace, configMap string) []Workload {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var out []Workload
	for reader := range x.readers[name{namespace, configMap}] {
		parts := strings.SplitN(reader, " ", 3)
		out = append(out, Workload{namespace, parts[1], parts[2]})
	}
	slices.SortFunc(out, func(a, b Workload) int { return strings.Compare(a.String(), b.String()) })
	return out
}

// ConfigMaps are the names of the ConfigMaps that a pod template reads: volumes, projected volumes, envFrom and valueFrom.
func ConfigMaps(template object.Object) []string {
	found := map[string]bool{}
	spec := template.Map("spec")
	for _, v := range spec.Items("volumes") {
		found[v.Map("configMap").Text("name")] = true
		for _, s := range v.Map("projected").Items("sources") {
			found[s.Map("configMap").Text("name")] = true
		}
	}
	for _, key := range []string{"initContainers", "containers", "ephemeralContainers"} {
		for _, c := range spec.Items(key) {
			for _, e := range c.Items("envFrom") {
				found[e.Map("configMapRef").Text("name")] = true
			}
			for _, e := range c.Items("env") {
				found[e.Map("valueFrom", "configMapKeyRef").Text("name")] = true
			}
		}
	}
	delete(found, "")
	out := make([]string, 0, len(found))
	for n := range found {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

func scaled(hpa object.Object) Workload {
	t := hpa.Map("spec", "scaleTargetRef")
	return Workload{hpa.Namespace(), t.Text("kind"), t.Text("name")}
}

func (x *Index) scaler(s Seen) {
	w := scaled(s.Object)
	key := w.Namespace + "/" + w.String()
	if s.Deleted {
		delete(x.scalers, key)
		return
	}
	x.scalers[key] = s.Object.Name()
}

// Scaler is the HorizontalPodAutoscaler of a workload, or "".
func (x *Index) Scaler(w Workload) string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.scalers[w.Namespace+"/"+w.String()]
}
