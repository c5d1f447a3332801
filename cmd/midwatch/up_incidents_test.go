package main

import (
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
)

func TestUpSaysWhatBecomesOfIncidents(t *testing.T) {
	now := time.Now()
	n := newsroom{page: "https://127.0.0.1:18420", since: now, told: map[string]string{}}
	incident := investigation.Incident{ID: "a", Title: "checkout fails\x1b[2J", Status: "investigating", Investigation: "i-a", OpenedAt: now.Add(time.Second)}
	old := investigation.Incident{ID: "b", Title: "yesterday", Status: "closed", OpenedAt: now.Add(-time.Hour)}
	first := n.news([]investigation.Incident{incident, old})
	if len(first) != 1 || !strings.Contains(first[0], "checkout fails") || strings.Contains(first[0], "\x1b") || !strings.Contains(first[0], n.page+"/investigations/i-a") {
		t.Fatalf("%q", first)
	}
	if again := n.news([]investigation.Incident{incident}); len(again) != 0 {
		t.Errorf("the same again: %q", again)
	}
	incident.Status, incident.Title = "awaiting_approval", "payment is misconfigured"
	if next := n.news([]investigation.Incident{incident}); len(next) != 1 || !strings.Contains(next[0], "awaiting approval") || !strings.Contains(next[0], "/investigations/i-a") {
		t.Errorf("%q", next)
	}
}
