package kube

import (
	"sync"
	"sync/atomic"

	"github.com/midwatch/midwatch/collector/kube/index"
)

// Why a resource is not watched.
const (
	reasonForbidden = "forbidden"
	reasonNotServed = "not_served"
)

// KindState is what became of one resource.
type KindState struct {
	Resource   string // deployments.apps
	Watched    bool
	Reason     string // why not: forbidden, not_served; "" before the first try
	Relists    uint64 // times the watch was too old
	Unreadable uint64 // objects that could not be decoded
}

// Stats counts since the start.
type Stats struct {
	Leading   bool
	Published uint64 // versions, snapshots included
	Snapshots uint64
	Equal     uint64 // versions that differed in noise alone
	Replayed  uint64 // versions that had been published before
	Events    uint64 // Kubernetes Events
	Changes   uint64
	Cut       uint64 // versions too large to be told whole
	Kinds     []KindState
	Index     index.Sizes
}

type counters struct {
	published, snapshots, equal, replayed, events, changes, cut atomic.Uint64
}

// kindState is the state of one resource. Safe for concurrent use.
type kindState struct {
	resource   string
	unreadable atomic.Uint64
	relists    atomic.Uint64

	mu      sync.Mutex
	watched bool
	reason  string
}

// lose notes that the resource is not watched and says whether that is news.
func (k *kindState) lose(reason string) (news bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	news = k.reason != reason
	k.watched, k.reason = false, reason
	return news
}

// win notes that it is watched and says whether that is news.
func (k *kindState) win() (news bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	news = k.reason != ""
	k.watched, k.reason = true, ""
	return news
}

func (k *kindState) relisted() { k.relists.Add(1) }

func (k *kindState) snapshot() KindState {
	k.mu.Lock()
	defer k.mu.Unlock()
	return KindState{Resource: k.resource, Watched: k.watched, Reason: k.reason, Relists: k.relists.Load(), Unreadable: k.unreadable.Load()}
}
