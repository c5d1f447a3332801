package detect

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"sync"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
)

var safeName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,80}$`)

// triggerID is kind-rule-subject-minute, fit for a workflow's id. What a deployment changed is its rule, and comes from outside, too.
func triggerID(kind investigation.TriggerKind, rule, subject string, onset time.Time) string {
	return fmt.Sprintf("%s-%s-%s-%s", kind, safe(rule), safe(subject), onset.UTC().Format("20060102T1504"))
}

// safe is a name, or its digest if it has other characters than names have.
func safe(name string) string {
	if safeName.MatchString(name) {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:6])
}

// onsets remembers when a condition that still lasts began, so that its trigger keeps its id while estimates of the onset
// move with the window. A detector that forgot it (a restart) estimates again: at worst a trigger joins its own incident.
type onsets struct {
	mu sync.Mutex
	// seen: rule and subject → onset, and when the condition last held
	seen map[[2]string]episode
}

type episode struct{ onset, last time.Time }

// pause is how long a condition may be away and still be the same.
const pause = 2 * time.Minute

// settle returns the first onset of an episode that now was seen again.
func (o *onsets) settle(rule, subject string, onset, now time.Time) time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.seen == nil {
		o.seen = map[[2]string]episode{}
	}
	for key, e := range o.seen {
		if now.Sub(e.last) > pause {
			delete(o.seen, key)
		}
	}
	key := [2]string{rule, subject}
	e, lasts := o.seen[key]
	if !lasts {
		e.onset = onset
	}
	e.last = now
	o.seen[key] = e
	return e.onset
}

// serviceTrigger fills what all triggers about a service share.
func (d *Detector) serviceTrigger(kind investigation.TriggerKind, rule, service string, onset, now time.Time) investigation.Trigger {
	onset = d.onsets.settle(rule, service, onset, now)
	return investigation.Trigger{
		ID: triggerID(kind, rule, service, onset), Kind: kind, Environment: d.cfg.Environment, Rule: rule,
		Entity: telemetry.Service(service), Service: service, Onset: onset.UTC(), At: now.UTC(),
	}
}
