package activities

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/rules"
	"github.com/midwatch/midwatch/workflows"
)

// sky is a detector that sees what a test says.
type sky struct {
	Detector
	alerts, still []investigation.Trigger
	holding       []investigation.Trigger
	unknown       map[string]error
	served        map[string]uint64
}

func (sky) RuleStates() rules.States { return rules.States{} }

func (s sky) Holding(_ context.Context, names []string, _ time.Time) ([]investigation.Trigger, map[string]error, error) {
	if len(names) != 1 || names[0] != "rule/r" {
		return nil, nil, fmt.Errorf("asked for %v", names)
	}
	return s.holding, s.unknown, nil
}

func (s sky) Alerts(context.Context, time.Time) ([]investigation.Trigger, error) {
	return s.alerts, nil
}

func (s sky) Still(_ context.Context, healthy investigation.Window, _, _ time.Time) ([]investigation.Trigger, error) {
	if healthy.To.IsZero() {
		return nil, nil
	}
	return s.still, nil
}

func (s sky) Served(context.Context, time.Time, time.Time) (map[string]uint64, error) {
	return s.served, nil
}

type file struct{ triggers []investigation.Trigger }

func (f file) Incident(context.Context, string) (investigation.Incident, error) {
	return investigation.Incident{Triggers: f.triggers}, nil
}

func (file) StoreRuleStates(context.Context, string, rules.States) error { return nil }

func (file) Investigation(context.Context, string) (metadata.Investigation, error) {
	return metadata.Investigation{Request: investigation.Request{Healthy: investigation.Window{To: time.Unix(1, 0)}}}, nil
}

func TestRecovery(t *testing.T) {
	fixed := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := func(kind investigation.TriggerKind, service string, since time.Duration) []investigation.Trigger {
		return []investigation.Trigger{{Kind: kind, Rule: "r", Service: service, Summary: service, Onset: fixed.Add(since)}}
	}
	written := func(service string) []investigation.Trigger {
		ts := at(investigation.Alert, service, -time.Minute)
		ts[0].Rule = "rule/r"
		return append(ts, ts...)
	}
	alive := map[string]uint64{"a": 10}
	for name, c := range map[string]struct {
		raised      []investigation.Trigger
		seen        sky
		firing, new int
	}{
		"over":                      {at(investigation.Alert, "a", -time.Minute), sky{served: alive}, 0, 0},
		"goes on":                   {at(investigation.Alert, "a", -time.Minute), sky{still: at(investigation.Alert, "a", time.Second), served: alive}, 1, 0},
		"nothing is seen":           {at(investigation.Alert, "a", -time.Minute), sky{}, 1, 0},
		"another's old condition":   {at(investigation.Alert, "a", -time.Minute), sky{still: at(investigation.Alert, "b", -time.Hour), served: alive}, 0, 0},
		"something new":             {at(investigation.Alert, "a", -time.Minute), sky{alerts: at(investigation.Alert, "b", time.Second), served: alive}, 0, 1},
		"not killed again":          {at(investigation.ClusterEvent, "a", -time.Minute), sky{}, 0, 0},
		"killed again":              {at(investigation.ClusterEvent, "a", -time.Minute), sky{still: at(investigation.ClusterEvent, "a", time.Second)}, 1, 0},
		"a rule holds no more":      {written("a"), sky{}, 0, 0},
		"a rule still holds":        {written("a"), sky{holding: written("a")[:1]}, 1, 0},
		"a rule holds for another":  {written("a"), sky{holding: written("b")}, 0, 0},
		"a rule cannot be judged":   {written("a"), sky{unknown: map[string]error{"rule/r": errors.New("no such metric")}}, 1, 0},
		"a process that is stopped": {at(investigation.Anomaly, "batch", -time.Minute), sky{}, 0, 0},
	} {
		d := &Detect{Detector: c.seen, DB: file{c.raised}}
		r, err := d.Recovery(t.Context(), workflows.RecoveryInput{Since: fixed, Now: fixed.Add(10 * time.Second)})
		if err != nil || len(r.Firing) != c.firing || len(r.New) != c.new {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}
