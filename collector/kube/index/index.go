package index

import (
	"sync"
	"time"

	"github.com/midwatch/midwatch/collector/kube/object"
)

// Config bounds the index.
type Config struct {
	Keep      time.Duration // how long what is gone is still known; 0: 24 h, as long as JetStream holds telemetry
	MaxGone   int           // pods that are gone and still known, the oldest go first; 0: 200,000, about 100 MB
	PodLabels []string      // labels of pods that telemetry carries
	Now       func() time.Time
}

// Index answers who is who. Safe for concurrent use.
type Index struct {
	cfg Config

	mu         sync.RWMutex
	synced     bool
	pods       map[string]*Pod          // :: uid → pod, gone ones included
	gone       []*Pod                   // in the order in which they went
	containers map[string]containerOf   // :: container id → whose it is
	addresses  map[string][]*tenancy    // :: IP → who had it, oldest first
	services   map[name]*service        // :: Service → what is behind it
	awaited    map[string]*service      // :: uid of a pod that is not known yet → the Service whose endpoint it is
	nodes      map[string]bool          // :: name of a node
	nodeAt     map[string]string        // :: IP → name of a node
	owners     map[string]owned         // :: uid of a controller → what it is and who controls it
	readers    map[name]map[string]bool // :: ConfigMap → workloads whose pods read it
	reads      map[string][]name        // :: uid of a workload → ConfigMaps its template names
	scalers    map[string]string        // :: namespace/kind/name of a target → HorizontalPodAutoscaler
}

type name struct{ namespace, name string }

// owned is one step of a chain of controllers.
type owned struct {
	workload Workload
	by       string // uid of its controller; "" at the top
	parent   Workload
}

// New returns an empty index.
func New(cfg Config) *Index {
	if cfg.Keep == 0 {
		cfg.Keep = 24 * time.Hour
	}
	if cfg.MaxGone == 0 {
		cfg.MaxGone = 200_000
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Index{
		cfg: cfg, pods: map[string]*Pod{}, containers: map[string]containerOf{}, addresses: map[string][]*tenancy{}, services: map[name]*service{},
		awaited: map[string]*service{}, nodes: map[string]bool{}, nodeAt: map[string]string{}, owners: map[string]owned{}, readers: map[name]map[string]bool{},
		reads: map[string][]name{}, scalers: map[string]string{},
	}
}

// Seen is one sight of an object.
type Seen struct {
	Object  object.Object // its kind and apiVersion set; normalized or not
	Deleted bool
	At      time.Time // when it was seen; of a deletion the moment it happened, as far as known
	Live    bool      // seen by a watch as it happened, not found later
}

// Apply takes an object version in. The order of versions of one object matters, that between objects does not.
func (x *Index) Apply(s Seen) {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch s.Object.Kind() {
	case "Pod":
		x.pod(s)
	case "Service":
		x.service(s)
	case "EndpointSlice":
		x.slice(s)
	case "Node":
		x.node(s)
	case "HorizontalPodAutoscaler":
		x.scaler(s)
	}
	x.controller(s)
	x.forget()
}

// Synced says that pods have been listed: what is not known from here on is young, or of no pod.
func (x *Index) Synced() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.synced = true
}

// IsSynced says whether Synced was called.
func (x *Index) IsSynced() bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.synced
}

// Sizes are how much the index holds.
type Sizes struct{ Pods, Gone, Containers, Addresses int }

// Sizes counts.
func (x *Index) Sizes() Sizes {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return Sizes{len(x.pods) - len(x.gone), len(x.gone), len(x.containers), len(x.addresses)}
}

// Now is the index's clock.
func (x *Index) Now() time.Time { return x.cfg.Now() }
