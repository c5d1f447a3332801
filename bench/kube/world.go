package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"sync"
	"time"
)

// world is a cluster that exists as numbers: objects are rendered when they are asked for.
type world struct {
	recorded    recorded
	nodes       int
	deployments int
	noteUIDs    []string // of the recorded Events

	mu      sync.Mutex
	version int
	live    []int            // numbers of the pods that are there
	next    int              // number of the next pod
	feeds   map[string]*feed // :: resource → its events
}

// feed is what happened to one resource. Watchers read from where they are and wait for more.
type feed struct {
	events []event
	more   chan struct{} // closed when something is added
}

type event struct {
	version int
	line    []byte // as a watch sends it
}

func newWorld(nodes, pods int) (*world, error) {
	r, err := load()
	if err != nil {
		return nil, err
	}
	w := &world{recorded: r, nodes: nodes, deployments: pods / podsPerDeployment, version: 1000, next: pods, feeds: map[string]*feed{}}
	for _, raw := range r.Notes {
		var n struct {
			Metadata struct{ UID string } `json:"metadata"`
		}
		if err := json.Unmarshal(raw, &n); err != nil {
			return nil, err
		}
		w.noteUIDs = append(w.noteUIDs, n.Metadata.UID)
	}
	for n := range pods {
		w.live = append(w.live, n)
	}
	return w, nil
}

var (
	versions  = regexp.MustCompile(`"resourceVersion": "\d+"`)
	clusterIP = regexp.MustCompile(`10\.96\.\d+\.\d+`)
	seconds   = regexp.MustCompile(`20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
)

// stamp sets the resource version and moves all times to now.
func stamp(s string, version int, now time.Time) []byte {
	s = versions.ReplaceAllString(s, `"resourceVersion": "`+strconv.Itoa(version)+`"`)
	return []byte(seconds.ReplaceAllString(s, now.UTC().Format(time.RFC3339)))
}

// publish adds an event about the pod's object to a resource.
func (w *world) publish(resource, kind string, raw []byte, pod int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.version++
	line := fmt.Appendf(nil, `{"type":%q,"object":%s}`+"\n", kind, w.render(raw, pod, w.version, time.Now()))
	f := w.feed(resource)
	f.events = append(f.events, event{w.version, line})
	if len(f.events) > 2*remembered {
		f.events = append([]event(nil), f.events[remembered:]...)
	}
	close(f.more)
	f.more = make(chan struct{})
}

// remembered bounds the events of a resource that a watch may still ask for.
const remembered = 20_000

func (w *world) feed(resource string) *feed {
	f := w.feeds[resource]
	if f == nil {
		f = &feed{more: make(chan struct{})}
		w.feeds[resource] = f
	}
	return f
}

// after returns the events of a resource after a version, and a channel that is closed when there are more.
func (w *world) after(resource string, version int) ([]event, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.feed(resource)
	i := len(f.events)
	for i > 0 && f.events[i-1].version > version {
		i--
	}
	return f.events[i:len(f.events):len(f.events)], f.more
}

// since is how long ago the objects of a list were made: longer ago than what matters.
const since = 2 * time.Hour

// list renders the objects of a resource from one position on, at most n of them, and says how many there are in all.
func (w *world) list(resource string, from, n int) (items [][]byte, total, version int) {
	w.mu.Lock()
	live, version := w.live, w.version
	w.mu.Unlock()
	then := time.Now().Add(-since)
	r := w.recorded
	one := func(total int, make func(i int) []byte) ([][]byte, int, int) {
		for i := from; i < min(from+n, total); i++ {
			items = append(items, make(i))
		}
		return items, total, version
	}
	last := func(list []rawJSON) []byte { return list[len(list)-1] }
	switch resource {
	case "pods":
		return one(len(live), func(i int) []byte { return w.render(r.Pod[ready].Object, live[i], 100, then) })
	case "nodes":
		return one(w.nodes, func(i int) []byte { return w.render(r.Node, i, 100, then) })
	case "replicasets":
		return one(w.deployments, func(i int) []byte { return w.render(last(r.ReplicaSet), i, 100, then) })
	case "deployments":
		return one(w.deployments, func(i int) []byte { return w.render(last(r.Deployment), i, 100, then) })
	case "endpointslices":
		return one(w.deployments, func(i int) []byte { return w.render(last(r.EndpointSlice), i, 100, then) })
	case "services":
		return one(w.deployments, func(i int) []byte {
			return clusterIP.ReplaceAll(w.render(r.Service, i, 100, then), fmt.Appendf(nil, "10.96.%d.%d", i/250, i%250+1))
		})
	case "configmaps":
		return one(w.deployments, func(i int) []byte { return w.render(r.ConfigMap, i, 100, then) })
	}
	return nil, 0, version
}

// draw takes a pod out of those that live and makes the number of another of the same Deployment.
func (w *world) draw() (old, fresh int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := rand.IntN(len(w.live))
	old = w.live[i]
	fresh = w.next + (old%w.deployments-w.next%w.deployments+w.deployments)%w.deployments
	w.next = fresh + 1
	live := append([]int(nil), w.live...)
	live[i] = fresh
	w.live = live
	return old, fresh
}
