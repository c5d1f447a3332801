package main

import (
	"context"
	"sync"
	"time"
)

// seen is when a version of interest was served by the watch.
type seen struct {
	mu sync.Mutex
	at map[string]time.Time // :: uid of a pod → when it was created
}

// churn replaces pods, so many a second, each with all that happened around it when it was recorded, until ctx ends. It returns how many.
func (w *world) churn(ctx context.Context, perSecond int, made *seen) int {
	tick := time.NewTicker(time.Second / time.Duration(perSecond))
	defer tick.Stop()
	var g sync.WaitGroup
	defer g.Wait()
	for n := 0; ; n++ {
		select {
		case <-tick.C:
			g.Go(func() { w.replace(ctx, made) })
		case <-ctx.Done():
			return n
		}
	}
}

// stepTime is between two versions of one pod: a replacement takes two to three seconds, as it was recorded.
const stepTime = 220 * time.Millisecond

// replace ends one pod and starts another.
func (w *world) replace(ctx context.Context, made *seen) {
	old, fresh := w.draw()
	r := w.recorded
	var steps []func()
	add := func(resource, kind string, raw []byte, pod int) {
		steps = append(steps, func() { w.publish(resource, kind, raw, pod) })
	}
	mix := func(resource string, list []rawJSON, i int) {
		if i < len(list) {
			add(resource, "MODIFIED", list[i], old)
		}
	}
	last := len(r.Notes) - 1
	for i := range max(ready+1, len(r.Pod)-ready-1) {
		if ready+1+i < len(r.Pod) {
			add("pods", r.Pod[ready+1+i].Type, r.Pod[ready+1+i].Object, old)
		}
		switch i {
		case 0:
			add("events", "ADDED", r.Notes[last], old)
			steps = append(steps, func() { made.note(uid(1, fresh)) })
		default:
			if i-1 < last {
				add("events", "ADDED", r.Notes[i-1], fresh)
			}
		}
		if i <= ready {
			add("pods", r.Pod[i].Type, r.Pod[i].Object, fresh)
		}
		mix("replicasets", r.ReplicaSet, i)
		mix("deployments", r.Deployment, i)
		mix("endpointslices", r.EndpointSlice, i)
	}
	per := len(steps) * int(stepTime) / (ready + 2) / len(steps)
	for i, step := range steps {
		step()
		if i%5 == 4 {
			select {
			case <-time.After(time.Duration(per)):
			case <-ctx.Done():
				return
			}
		}
	}
}

func (s *seen) note(uid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at[uid] = time.Now()
}
