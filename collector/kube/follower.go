package kube

import (
	"context"

	"github.com/midwatch/midwatch/collector/kube/index"
	"github.com/midwatch/midwatch/collector/kube/object"
)

// follower keeps the index of a replica that does not lead.
type follower struct {
	index *index.Index
	pods  bool
	known map[string]object.Object // :: uid → enough of the object to take it out of the index again
	list  map[string]bool          // uids that the list under way has told
}

var _ sink = (*follower)(nil)

func newFollower(x *index.Index, pods bool) *follower {
	return &follower{index: x, pods: pods, known: map[string]object.Object{}, list: map[string]bool{}}
}

func (f *follower) lists() { clear(f.list) }

func (f *follower) see(_ context.Context, s sighting) error {
	uid := s.object.UID()
	f.index.Apply(indexSight(s))
	if s.deleted {
		delete(f.known, uid)
		return nil
	}
	if s.listed {
		f.list[uid] = true
	}
	f.known[uid] = identity(s.object)
	return nil
}

// identity is as much of an object as says which one it is.
func identity(o object.Object) object.Object {
	return object.Object{"kind": o.Kind(), "apiVersion": o.APIVersion(), "metadata": map[string]any{
		"name": o.Name(), "namespace": o.Namespace(), "uid": o.UID(),
	}}
}

func (f *follower) listed(_ context.Context, _ string) error {
	for uid, o := range f.known {
		if !f.list[uid] {
			delete(f.known, uid)
			f.index.Apply(index.Seen{Object: o, Deleted: true, At: f.index.Now()})
		}
	}
	return nil
}

func (f *follower) reach(string) {}

func (f *follower) caughtUp() {}

func (f *follower) watching() {
	if f.pods {
		f.index.Synced()
	}
}

func indexSight(s sighting) index.Seen {
	return index.Seen{Object: s.object, Deleted: s.deleted, At: s.seen, Live: s.live}
}
