package change

import (
	"fmt"
	"slices"
	"strings"

	"github.com/midwatch/midwatch/collector/kube/index"
	"github.com/midwatch/midwatch/collector/kube/object"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// kinds of a rollout, in the order in which they are told.
var kinds = []string{
	telemetry.ChangeImage, telemetry.ChangeEnv, telemetry.ChangeCommand, telemetry.ChangeResources, telemetry.ChangeProbes, telemetry.ChangeTemplate,
}

// template tells of a rollout: one change per kind of what differs in the pod template.
func (t *teller) template() {
	if t.v.Before == nil || t.v.After == nil {
		return
	}
	root := "/spec/template"
	if t.o.Kind() == "CronJob" {
		root = "/spec/jobTemplate/spec/template"
	}
	byKind := map[string]object.Diff{}
	for _, d := range t.v.Diff.Under(root) {
		for _, part := range split(d, root) {
			k := templateKind(strings.TrimPrefix(part.Path, root))
			part.Path = strings.TrimPrefix(part.Path, root)
			byKind[k] = append(byKind[k], part)
		}
	}
	w := t.c.WorkloadOf(t.o)
	for _, kind := range kinds {
		d := byKind[kind]
		if len(d) == 0 {
			continue
		}
		before, after, detail := sides(d)
		if kind == telemetry.ChangeResources || kind == telemetry.ChangeProbes {
			before, after = labelled(d)
		}
		t.add(Change{
			Event: telemetry.EventDeployment, Kind: kind, Workload: w, Before: before, After: after, Detail: detail,
			Summary: fmt.Sprintf("%s rolls out another %s%s", t.file, kind, arrow(kind, before, after)),
		})
	}
}

// split makes of a whole container or variable list that came or went the fields in it, so that each has its kind.
func split(d object.Difference, root string) object.Diff {
	rest := strings.Split(strings.TrimPrefix(d.Path, root+"/"), "/")
	if len(rest) < 2 || rest[0] != "spec" || !strings.HasSuffix(strings.ToLower(rest[1]), "containers") || len(rest) > 3 {
		return object.Diff{d}
	}
	before, isB := d.Before.(map[string]any)
	after, isA := d.After.(map[string]any)
	if !isB && !isA {
		return object.Diff{d}
	}
	parts := object.Compare(before, after)
	for i := range parts {
		parts[i].Path = d.Path + parts[i].Path
	}
	return parts
}

// templateKind is the kind of change at a path below a pod template: /spec/containers/api/image.
func templateKind(path string) string {
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	if len(parts) < 4 || parts[0] != "spec" || !slices.Contains([]string{"containers", "initContainers"}, parts[1]) {
		return telemetry.ChangeTemplate
	}
	switch parts[3] {
	case "image":
		return telemetry.ChangeImage
	case "env", "envFrom":
		return telemetry.ChangeEnv
	case "command", "args", "workingDir":
		return telemetry.ChangeCommand
	case "resources":
		return telemetry.ChangeResources
	case "livenessProbe", "readinessProbe", "startupProbe":
		return telemetry.ChangeProbes
	}
	return telemetry.ChangeTemplate
}

func arrow(kind, before, after string) string {
	if kind != telemetry.ChangeImage {
		return ""
	}
	return fmt.Sprintf(": %s instead of %s", after, before)
}

// replicas tells of scaling, and of a workload that went as a whole.
func (t *teller) replicas() {
	w := t.c.WorkloadOf(t.o)
	c := Change{Event: telemetry.EventChange, Kind: telemetry.ChangeReplicas, Workload: w}
	switch {
	case t.v.Before == nil:
		return
	case t.v.After == nil:
		c.Before, c.After = count(t.v.Before), "0"
		c.Summary = t.file + " was deleted"
	default:
		if len(t.v.Diff.Under("/spec/replicas")) == 0 {
			return
		}
		c.Before, c.After, c.Actor = count(t.v.Before), count(t.v.After), t.scaler(w)
		c.Summary = fmt.Sprintf("%s was scaled from %s to %s by %s", t.file, c.Before, c.After, orUnknown(c.Actor))
		c.Detail = fmt.Sprintf("-/spec/replicas: %s\n+/spec/replicas: %s\n", c.Before, c.After)
	}
	t.add(c)
}

// scaler is who scaled: the HorizontalPodAutoscaler's controller writes through the subresource scale, under the name of the controller manager.
func (t *teller) scaler(w index.Workload) string {
	if t.v.Manager != "kube-controller-manager" {
		return t.v.Manager
	}
	if hpa := t.c.Scaler(w); hpa != "" {
		return "horizontalpodautoscaler/" + hpa
	}
	if t.v.Subresource == "scale" {
		return "horizontalpodautoscaler"
	}
	return t.v.Manager
}

func orUnknown(actor string) string {
	if actor == "" {
		return "somebody"
	}
	return actor
}

func count(o object.Object) string {
	n, ok := o.Map("spec").Number("replicas")
	if !ok {
		return ""
	}
	return fmt.Sprint(n)
}

// autoscaler tells of other bounds for a workload.
func (t *teller) autoscaler() {
	if t.v.Before != nil && t.v.After != nil {
		bounds := func(o object.Object) string {
			low, _ := o.Map("spec").Number("minReplicas")
			high, _ := o.Map("spec").Number("maxReplicas")
			return fmt.Sprintf("%d to %d", low, high)
		}
		if d := t.v.Diff.Under("/spec"); len(d) > 0 {
			_, _, detail := sides(d)
			t.add(Change{
				Event: telemetry.EventChange, Kind: telemetry.ChangeLimits, Workload: t.c.WorkloadOf(t.o),
				Before: bounds(t.v.Before), After: bounds(t.v.After), Detail: detail,
				Summary: fmt.Sprintf("%s changed: %s", t.file, fields(d)),
			})
		}
		return
	}
	t.spec(telemetry.ChangeLimits)
}
