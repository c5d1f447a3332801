package index

import (
	"slices"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// service is a Kubernetes Service and the workloads that its endpoints belong to. The last that were known stay when the last endpoint goes:
// a Service whose pods are all down is still theirs.
type service struct {
	name
	uid       string
	addresses []string
	slices    map[string][]string // :: EndpointSlice → uids of its pods
	behind    []Workload
}

// service is the service.name of what is behind it: the workload, or, when it is none or there are several, the Service.
func (s *service) service() string {
	if len(s.behind) == 1 {
		return s.behind[0].Service()
	}
	return telemetry.ServiceOf(s.namespace, s.name.name)
}

func (x *Index) serviceNamed(n name) *service {
	s := x.services[n]
	if s == nil {
		s = &service{name: n, slices: map[string][]string{}}
		x.services[n] = s
	}
	return s
}

func (x *Index) service(seen Seen) {
	o := seen.Object
	n := name{o.Namespace(), o.Name()}
	s := x.serviceNamed(n)
	var addresses []string
	if spec := o.Map("spec"); !seen.Deleted {
		list, _ := spec["clusterIPs"].([]any)
		for _, ip := range append(list, spec["clusterIP"]) {
			if ip, ok := ip.(string); ok && ip != "" && ip != "None" && !slices.Contains(addresses, ip) {
				addresses = append(addresses, ip)
			}
		}
	}
	if s.uid == o.UID() && slices.Equal(addresses, s.addresses) {
		return
	}
	for _, a := range s.addresses {
		x.leave(a, s, seen.At)
	}
	if seen.Deleted {
		delete(x.services, n)
		return
	}
	since := seen.At
	if created := o.Metadata().Time("creationTimestamp"); s.uid == "" && !created.IsZero() && created.Before(since) {
		since = created
	}
	s.uid, s.addresses = o.UID(), addresses
	for _, a := range addresses {
		x.insert(a, &tenancy{service: s, from: since})
	}
}

// leave ends the Service's tenancy; those that ended too long ago go with it.
func (x *Index) leave(address string, s *service, at time.Time) {
	for _, t := range x.addresses[address] {
		if t.service == s && t.until.IsZero() {
			t.until = at
		}
	}
	x.vacate(address, func(t *tenancy) bool {
		return t.service != nil && !t.until.IsZero() && at.Sub(t.until) > x.cfg.Keep
	})
}

// slice learns from an EndpointSlice what is behind its Service.
func (x *Index) slice(seen Seen) {
	o := seen.Object
	of := o.Metadata().Map("labels").Text("kubernetes.io/service-name")
	if of == "" {
		return
	}
	s := x.serviceNamed(name{o.Namespace(), of})
	for _, uid := range s.slices[o.Name()] {
		delete(x.awaited, uid)
	}
	delete(s.slices, o.Name())
	if !seen.Deleted {
		var uids []string
		for _, e := range o.Items("endpoints") {
			if uid := e.Map("targetRef").Text("uid"); uid != "" {
				uids = append(uids, uid)
			}
		}
		s.slices[o.Name()] = uids
	}
	x.lookBehind(s)
}

// lookBehind finds out whose the endpoints are. Pods that are not known yet ask for it again.
func (x *Index) lookBehind(s *service) {
	var behind []Workload
	for _, uids := range s.slices {
		for _, uid := range uids {
			p := x.pods[uid]
			if p == nil {
				x.awaited[uid] = s
				continue
			}
			if w := x.podWorkload(p); !slices.Contains(behind, w) {
				behind = append(behind, w)
			}
		}
	}
	if len(behind) > 0 {
		s.behind = behind
	}
}

// Behind are the workloads behind a Service.
func (x *Index) Behind(namespace, service string) []Workload {
	x.mu.RLock()
	defer x.mu.RUnlock()
	s := x.services[name{namespace, service}]
	if s == nil {
		return nil
	}
	return slices.Clone(s.behind)
}

// ServiceCalled is the service.name behind a name of the cluster's own DNS, <service>.<namespace>.svc.<domain> with a pod's host name before it or not.
// inside tells whether it is such a name; service is "" when there is no such Service.
func (x *Index) ServiceCalled(dns string) (service string, inside bool) {
	labels := strings.Split(dns, ".")
	at := slices.Index(labels, "svc")
	if at < 2 {
		return "", false
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	if s := x.services[name{labels[at-1], labels[at-2]}]; s != nil {
		service = s.service()
	}
	return service, true
}
