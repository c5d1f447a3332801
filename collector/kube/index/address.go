package index

import (
	"slices"
	"time"
)

// tenancy is that a pod or a Service has, or had, an address.
type tenancy struct {
	pod     *Pod     // or
	service *service // one of the two
	from    time.Time
	until   time.Time // zero: still
}

// slack is how far outside of its lifetime a pod may still be meant by a record's time: clocks of nodes disagree by a little, and connections
// are told of after their end.
const slack = 10 * time.Second

func (x *Index) occupy(p *Pod) {
	for _, a := range p.address {
		x.insert(a, &tenancy{pod: p, from: p.from, until: p.until})
	}
}

func (x *Index) insert(address string, t *tenancy) {
	list := x.addresses[address]
	i := len(list)
	for i > 0 && list[i-1].from.After(t.from) {
		i--
	}
	x.addresses[address] = slices.Insert(list, i, t)
}

func (x *Index) release(p *Pod) {
	for _, a := range p.address {
		x.vacate(a, func(t *tenancy) bool { return t.pod != nil && t.pod.UID == p.UID })
	}
}

func (x *Index) vacate(address string, gone func(*tenancy) bool) {
	list := slices.DeleteFunc(x.addresses[address], gone)
	if len(list) == 0 {
		delete(x.addresses, address)
		return
	}
	x.addresses[address] = list
}

// holder is who had the address at the moment: the last that had come by then, unless it had long gone. Whoever came first is also meant a
// little earlier.
func (x *Index) holder(address string, at time.Time) *tenancy {
	list := x.addresses[address]
	for i, t := range slices.Backward(list) {
		switch {
		case t.from.After(at) && (i > 0 || t.from.Sub(at) > slack):
			continue
		case !t.until.IsZero() && at.Sub(t.until) > slack:
			// Nobody had it then, unless the next one came a moment later.
			if i+1 < len(list) && list[i+1].from.Sub(at) <= slack {
				return list[i+1]
			}
			return nil
		}
		return t
	}
	return nil
}

// At is the pod that had an address at a moment.
func (x *Index) At(address string, at time.Time) (Pod, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	t := x.holder(address, at)
	if t == nil || t.pod == nil {
		return Pod{}, false
	}
	p := *t.pod
	p.Workload = x.podWorkload(t.pod)
	return p, true
}

// ServiceAt is the service.name behind an address at a moment: of the pod that had it, or of what is behind the Service whose ClusterIP it is. "" when nobody is known.
func (x *Index) ServiceAt(address string, at time.Time) string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	t := x.holder(address, at)
	switch {
	case t == nil:
		return ""
	case t.pod != nil:
		return x.podWorkload(t.pod).Service()
	default:
		return t.service.service()
	}
}

// NodeAt is the node with an address, or "".
func (x *Index) NodeAt(address string) string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.nodeAt[address]
}

// IsNode says whether a host is a node of the cluster.
func (x *Index) IsNode(host string) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.nodes[host]
}

func (x *Index) node(s Seen) {
	for a, n := range x.nodeAt {
		if n == s.Object.Name() {
			delete(x.nodeAt, a)
		}
	}
	delete(x.nodes, s.Object.Name())
	if s.Deleted {
		return
	}
	x.nodes[s.Object.Name()] = true
	for _, a := range s.Object.Map("status").Items("addresses") {
		if t := a.Text("type"); t == "InternalIP" || t == "ExternalIP" {
			x.nodeAt[a.Text("address")] = s.Object.Name()
		}
	}
}
