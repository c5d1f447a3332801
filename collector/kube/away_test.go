package kube_test

import (
	"maps"
	"testing"
	"time"
)

// TestJetStreamAway takes JetStream away for longer than an answer is waited for, while objects come, change and go.
func TestJetStreamAway(t *testing.T) {
	c := startCluster(t)
	witness := c.witness("configmaps", "ConfigMap")
	_, _, stop := c.watch()
	c.eventually("it is written down how far the first list is", func() bool { return c.checkpoint("configmaps") != "" })
	churned := make(chan struct{})
	go func() { defer close(churned); c.churn(4, 30) }()
	time.Sleep(2 * time.Second) // into the churn, so that versions are under way
	c.js.Down()
	time.Sleep(7 * time.Second) // longer than a publish waits for its answer
	c.js.Up()
	<-churned
	want := witness()
	c.eventually("every version is published", func() bool {
		missing := maps.Clone(want)
		for _, r := range c.records() {
			delete(missing, r.id)
		}
		return len(missing) == 0
	})
	stop()
	c.onlyOnce()
}
