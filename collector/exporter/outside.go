package exporter

import (
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// Bounds of the names outside. Each is a peer of its own, and whoever crawls, or gives every customer a name, has thousands.
const (
	maxOutside  = 200       // names that one service calls
	maxCallers  = 4096      // services; the one idle longest is forgotten
	outsideLife = time.Hour // since a name was last called, after which it makes room
	otherPeer   = "{other}" // stands for the names past maxOutside
)

// outside are the names that each service calls outside of what is watched. Safe for concurrent use.
type outside struct {
	now func() time.Time

	mu    sync.Mutex
	names *simplelru.LRU[string, *simplelru.LRU[string, time.Time]] // :: caller → name → when it was called last
}

func newOutside(now func() time.Time) *outside {
	names, _ := simplelru.NewLRU[string, *simplelru.LRU[string, time.Time]](maxCallers, nil) // fails only for a size of zero
	return &outside{now: now, names: names}
}

// peer returns what a name is called as a peer of the caller: itself, while the caller does not have too many.
func (o *outside) peer(caller, name string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	called, ok := o.names.Get(caller)
	if !ok {
		called, _ = simplelru.NewLRU[string, time.Time](maxOutside, nil)
		o.names.Add(caller, called)
	}
	if called.Len() >= maxOutside && !called.Contains(name) {
		if _, last, _ := called.GetOldest(); o.now().Sub(last) < outsideLife {
			return otherPeer
		}
	}
	called.Add(name, o.now())
	return name
}

// connections are the counts that belong to one peer.
type connections struct{ peer, address, port, failure string }

// addUp makes one point of those of the several addresses that one name has.
func addUp(points pmetric.NumberDataPointSlice) {
	first := map[connections]pmetric.NumberDataPoint{}
	points.RemoveIf(func(p pmetric.NumberDataPoint) bool {
		a := p.Attributes()
		k := connections{text(a, telemetry.PeerService), text(a, telemetry.ServerAddress), text(a, telemetry.ServerPort), text(a, telemetry.ErrorType)}
		if _, err := netip.ParseAddr(k.address); err == nil || k.port == "" || p.ValueType() != pmetric.NumberDataPointValueTypeDouble {
			return false // an address is a peer of its own
		}
		sum, ok := first[k]
		if !ok || sum.Timestamp() != p.Timestamp() {
			first[k] = p
			return false
		}
		sum.SetDoubleValue(sum.DoubleValue() + p.DoubleValue())
		return true
	})
}
