// Package silence tests that Midwatch calls nobody unless it was told to: a whole installation runs in a network of its own whose only
// way out is a recorder.
package silence

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"
)

// TestNobodyIsReachedWithAIOff starts everything, with providers and credentials configured, and investigates: with AI off, on, and off again.
func TestNobodyIsReachedWithAIOff(t *testing.T) {
	program(t) // skips here, where it is seen
	if !enter(t) {
		return
	}
	r := newRecorder(t)
	itRecords(t, r)

	started := time.Now()
	m := start(t)
	off := m.report(m.ask("why is it slow?"))
	if !strings.HasPrefix(off.Analyst, "builtin/") {
		t.Errorf("decided by %q", off.Analyst)
	}
	if got := r.since(started); len(got) > 0 {
		t.Fatalf("with AI off, these were to be reached: %q", got)
	}

	switchedOn := time.Now()
	m.switchAI(true)
	running := m.ask("why is it slow now?")
	r.await(t, switchedOn, "tcp "+address+":443")
	r.await(t, switchedOn, vendor)

	m.switchAI(false)
	switchedOff := time.Now()
	t.Logf("the investigation that ran: decided by %q", m.report(running).Analyst)
	t.Logf("the last attempt was %v after switching off", r.last().Sub(switchedOff).Round(time.Millisecond))
	if late := r.since(switchedOff.Add(effective)); len(late) > 0 {
		t.Errorf("more than %v after AI was switched off: %q", effective, late)
	}
	quiet := time.Now()
	m.report(m.ask("why was it slow?"))
	if got := r.since(quiet); len(got) > 0 {
		t.Errorf("with AI off again, these were to be reached: %q", got)
	}
}

// effective is how long what was in flight may take to end on a busy machine; the gate's own second is
// asserted in internal/llm/gate, with a clock of its own.
const effective = 5 * time.Second

// itRecords shows that an attempt is seen, by address and by name.
func itRecords(t *testing.T, r *recorder) {
	t.Helper()
	started := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	for _, to := range []string{"192.0.2.9:80", "[2001:db8:1::9]:80", "name.example:80"} {
		attempt, stop := context.WithTimeout(ctx, 500*time.Millisecond)
		if c, err := (&net.Dialer{}).DialContext(attempt, "tcp", to); err == nil {
			c.Close()
			t.Fatalf("%s was reached", to)
		}
		stop()
	}
	r.await(t, started, "tcp 192.0.2.9:80")
	r.await(t, started, "tcp 2001:db8:1::9:80")
	r.await(t, started, "udp "+nameserver+":53 name.example")
}
