package kubernetestest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/kubernetes"
	"github.com/midwatch/midwatch/internal/telemetry"
)

var (
	written = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	uid     = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
)

// Play adds what a watch told as an exporter tells it, moved so that it begins at start, the times within the objects, too.
func (r *Records) Play(told []Told, start time.Time) *Records {
	p := player{owners: map[string]kubernetes.Owner{}, before: map[string]json.RawMessage{}}
	if len(told) > 0 {
		p.shift = start.Sub(told[0].Time)
	}
	for _, t := range told {
		p.play(r, t)
	}
	return r
}

type player struct {
	shift  time.Duration
	owners map[string]kubernetes.Owner // kind/namespace/name → controller
	before map[string]json.RawMessage  // uid → last version
}

func (p *player) play(r *Records, t Told) {
	raw := written.ReplaceAllFunc(t.Object, func(b []byte) []byte {
		at, err := time.Parse(time.RFC3339Nano, string(b))
		if err != nil {
			return b
		}
		return []byte(at.Add(p.shift).Format(time.RFC3339Nano))
	})
	o, err := kubernetes.Parse(raw)
	if err != nil {
		panic(fmt.Sprintf("a recorded object: %v", err))
	}
	at := t.Time.Add(p.shift)
	if o.Kind == "Event" {
		p.event(r, at, raw)
		return
	}
	for _, owner := range o.Metadata.OwnerReferences {
		if owner.Controller {
			p.owners[o.Kind+"/"+o.Metadata.Namespace+"/"+o.Metadata.Name] = owner
		}
	}
	v := Version{Time: at, Actor: t.Actor, Object: raw, Workload: p.workload(o.Kind, o.Metadata.Namespace, o.Metadata.Name)}
	switch t.Type {
	case "ADDED":
		v.Action = telemetry.ObjectAdded
	case "DELETED":
		v.Action = telemetry.ObjectDeleted
	default:
		v.Action = telemetry.ObjectModified
		if b, err := json.Marshal(kubernetes.Diff(p.before[o.Metadata.UID], raw)); err == nil {
			v.Diff = string(b)
		}
	}
	p.before[o.Metadata.UID] = raw
	r.Version(v)
}

// workload is the topmost controller, as far as it was told.
func (p *player) workload(kind, namespace, name string) string {
	for range 5 {
		owner, owned := p.owners[kind+"/"+namespace+"/"+name]
		if !owned {
			break
		}
		kind, name = owner.Kind, owner.Name
	}
	return strings.ToLower(kind) + "/" + name
}

func (p *player) event(r *Records, at time.Time, raw []byte) {
	var e struct {
		Metadata       kubernetes.Metadata `json:"metadata"`
		InvolvedObject struct{ Kind, Namespace, Name, FieldPath string }
		Reason         string
		Message        string
		Type           string
		Count          int
		Source         struct{ Component string }
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		panic(fmt.Sprintf("a recorded Event: %v", err))
	}
	o := e.InvolvedObject
	r.Event(Event{
		Time: at, Namespace: o.Namespace, Kind: o.Kind, Name: o.Name, Workload: p.workload(o.Kind, o.Namespace, o.Name), Reason: e.Reason, Type: e.Type, Note: e.Message,
		Component: e.Source.Component, FieldPath: o.FieldPath, UID: e.Metadata.UID, Count: e.Count,
	})
}

// Another is what was told, of a cluster just like it: other namespaces, other uids, the same owners.
func Another(told []Told, n int) []Told {
	out := make([]Told, len(told))
	for i, t := range told {
		text := uid.ReplaceAllStringFunc(string(t.Object), func(id string) string { return fmt.Sprintf("%08x%s", n*2654435761&0xffffffff, id[8:]) })
		for _, namespace := range []string{"shop", "small"} {
			text = strings.ReplaceAll(text, fmt.Sprintf("%q:%q", "namespace", namespace), fmt.Sprintf("%q:%q", "namespace", fmt.Sprintf("%s-%d", namespace, n)))
		}
		out[i] = Told{Time: t.Time, Type: t.Type, Actor: t.Actor, Object: json.RawMessage(text)}
	}
	return out
}
