package builtin

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
)

const (
	// rolloutLookback is how long before the onset a change of a workload can be to have caused what its pods do: a rollout takes its time,
	// and the deadline after which it is told to be stuck is ten minutes.
	rolloutLookback = 15 * time.Minute
	// maxWorkloads bounds the workloads that are looked into.
	maxWorkloads = 2
)

// workload is a Kubernetes workload that a trigger is about.
type workload struct{ namespace, name string } // name: kind/name

func (w workload) entity() telemetry.Entity { return telemetry.Workload(w.namespace, w.name) }

func (w workload) plain() string { _, name, _ := strings.Cut(w.name, "/"); return name }

func (w workload) service() string { return telemetry.ServiceOf(w.namespace, w.plain()) }

func (w workload) String() string { return w.name + " in " + w.namespace }

// workloads are those that triggers name, the first ones.
func (f *facts) workloads() []workload {
	var out []workload
	for _, t := range f.req.Triggers {
		if t.Entity.Kind() != "workload" {
			continue
		}
		namespace, name, _ := strings.Cut(t.Entity.Name(), "/")
		if w := (workload{namespace, name}); !slices.Contains(out, w) && len(out) < maxWorkloads {
			out = append(out, w)
		}
	}
	return out
}

// raised is the first trigger of a workload by one of the rules.
func (f *facts) raised(w workload, rules ...string) (investigation.Trigger, bool) {
	for _, t := range f.req.Triggers {
		switch {
		case t.Entity != w.entity():
		case slices.Contains(rules, t.Rule):
			return t, true
		case t.Kind == investigation.Manual:
			if i := slices.IndexFunc(rules, func(rule string) bool { return f.shows(w, rule) }); i >= 0 {
				t.Rule = rules[i]
				return t, true
			}
		}
	}
	return investigation.Trigger{}, false
}

// clustered says that the installation watches a cluster and a trigger names something of it.
func (f *facts) clustered() bool {
	return slices.Contains(f.tools, "kubernetes_list") && len(f.workloads()) > 0
}

// objects is the answer to one kubernetes_list.
type objects struct {
	id, namespace, workload string
	result.KubernetesObjects
}

// events is the answer to one kubernetes_events.
type events struct {
	id, namespace, workload string
	result.KubernetesEvents
}

// takeCluster reads the evidence of the tools that look at a cluster, which are asked about several workloads.
func (f *facts) takeCluster(e investigation.Evidence) error {
	var asked struct{ Namespace, Workload string }
	if err := json.Unmarshal(e.Arguments, &asked); err != nil {
		return err
	}
	if e.Tool == "kubernetes_events" {
		v := events{id: e.ID, namespace: asked.Namespace, workload: asked.Workload}
		f.told = append(f.told, v)
		return json.Unmarshal(e.Result, &f.told[len(f.told)-1].KubernetesEvents)
	}
	v := objects{id: e.ID, namespace: asked.Namespace, workload: asked.Workload}
	f.listed = append(f.listed, v)
	return json.Unmarshal(e.Result, &f.listed[len(f.listed)-1].KubernetesObjects)
}

// pods of a workload at the end of the fault.
func (f *facts) pods(w workload) (objects, bool) {
	for _, l := range f.listed {
		if l.Kind == "Pod" && l.namespace == w.namespace && l.workload == w.name {
			return l, true
		}
	}
	return objects{}, false
}

func (f *facts) nodes() (objects, bool) {
	for _, l := range f.listed {
		if l.Kind == "Node" {
			return l, true
		}
	}
	return objects{}, false
}

// said are the Events of a workload with one of the reasons.
func (f *facts) said(w workload, reasons ...string) (id string, found []result.KubernetesEvent) {
	for _, l := range f.told {
		if l.namespace != w.namespace || l.workload != w.name {
			continue
		}
		id = l.id
		for _, e := range l.Events {
			if slices.Contains(reasons, e.Reason) {
				found = append(found, e)
			}
		}
	}
	return id, found
}

// ill is the container of a workload's pod that fulfils a condition, the first one.
func (l objects) ill(is func(result.KubernetesContainer) bool) (result.KubernetesObject, result.KubernetesContainer, bool) {
	for _, o := range l.Objects {
		for _, c := range o.Containers {
			if is(c) {
				return o, c, true
			}
		}
	}
	return result.KubernetesObject{}, result.KubernetesContainer{}, false
}

// someContainer is the check that a pod of a list has a container that fulfils all conditions; conditions speak of c.
func someContainer(evidence string, conditions ...string) string {
	return fmt.Sprintf("any([%s for x in ev[%q][\"objects\"] for c in x[\"containers\"]])", strings.Join(conditions, " and "), evidence)
}

// rolled is the last change of a workload of one of the kinds, or of any if none is given, that came before the onset, however the
// cluster tells the onset. What a ConfigMap says takes effect when the workload is restarted: then it is the change.
func (f *facts) rolled(w workload, kinds ...string) (result.Deployment, bool) {
	var found result.Deployment
	if f.changes != nil {
		for _, d := range f.changes.Deployments {
			if d.Service == w.service() && (len(kinds) == 0 || slices.Contains(kinds, d.Kind)) &&
				d.Time.After(f.onset.Add(-f.lookback())) && d.Time.Before(f.latest(w)) && (!restarted(d) || found.Kind != telemetry.ChangeConfiguration) {
				found = d
			}
		}
	}
	return found, found.Service != ""
}

// restarted says that a rollout changed nothing but that it is asked for, as `kubectl rollout restart` does.
func restarted(d result.Deployment) bool {
	if d.Kind != telemetry.ChangeTemplate || d.Detail == "" {
		return false
	}
	for line := range strings.Lines(d.Detail) {
		if !strings.Contains(line, "restartedAt") {
			return false
		}
	}
	return true
}

// rolloutClaim says what was rolled out before and by whom.
func (f *facts) rolloutClaim(h *hypothesis, w workload, d result.Deployment) {
	id := f.ids["recent_changes"]
	conditions := []string{is("service", d.Service), is("kind", d.Kind)}
	if d.After != "" && len(d.After) < 200 {
		conditions = append(conditions, is("after", d.After))
	}
	h.claim(fmt.Sprintf("%s, %s.", f.sentence(w, d), f.relative(d)), id, some(id, "deployments", conditions...))
}

// sentence is a change in a sentence without its end.
func (f *facts) sentence(w workload, d result.Deployment) string {
	what := fmt.Sprintf("The %s of %s", d.Kind, w)
	if kind, name, ok := strings.Cut(d.Object, "/"); ok && d.Kind == "configuration" {
		what = fmt.Sprintf("%s %s, which %s uses,", kind, name, w)
	}
	text := fmt.Sprintf("%s changed at %s", what, d.Time.Format("15:04:05"))
	if says := configured(d); says != "" {
		text += " (" + says + ")"
	} else if (d.Before != "" || d.After != "") && len(d.Before) <= 120 && len(d.After) <= 120 {
		text += fmt.Sprintf(" from %s to %s", orNothing(d.Before), orNothing(d.After))
	}
	if d.Actor != "" {
		text += ", by " + d.Actor
	}
	return text
}

func orNothing(text string) string {
	if text == "" {
		return "nothing"
	}
	return text
}

// since says in a title what a hypothesis blames besides the workload.
func since(d result.Deployment, changed bool) string {
	switch {
	case !changed:
		return ""
	case d.Kind == "configuration" && d.Object != "":
		_, name, _ := strings.Cut(d.Object, "/")
		return " since a change of its ConfigMap " + name
	}
	return fmt.Sprintf(" since a change of its %s", d.Kind)
}

// takeBack drafts the rollback of a workload to what it was before a change, where the installation may do that. It goes back by one rollout: there is none
// for a ConfigMap, which is not the workload's, or where something was rolled out since, which it would take back instead.
func (f *facts) takeBack(w workload, d result.Deployment, why string) *investigation.FixDraft {
	if d.Kind == telemetry.ChangeConfiguration || slices.ContainsFunc(f.changes.Deployments, func(later result.Deployment) bool {
		return later.Service == d.Service && later.Kind != telemetry.ChangeConfiguration && later.Time.After(d.Time)
	}) {
		return nil
	}
	return f.remedy(investigation.RollbackWorkload, w, nil, why)
}

// remedy drafts an action on a workload.
func (f *facts) remedy(kind investigation.ActionKind, w workload, values map[string]string, why string) *investigation.FixDraft {
	all := map[string]string{"workload": w.namespace + "/" + w.name}
	for k, v := range values {
		all[k] = v
	}
	return f.draft(kind, w.service(), all, why)
}
