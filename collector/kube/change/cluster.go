package change

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/midwatch/midwatch/collector/kube/object"
	"github.com/midwatch/midwatch/collector/secret"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// settled is how long a ConfigMap that no workload names must have stayed as it was for its change to be told: what a program rewrites every
// few seconds is its state, not its configuration.
const settled = 5 * time.Minute

// configuration tells each workload that uses a ConfigMap of its change.
func (t *teller) configuration() {
	if t.v.Before == nil {
		return
	}
	diff := under(t.v.Diff, "/data", "/binaryData")
	if t.v.After != nil && len(diff) == 0 {
		return
	}
	c := Change{Event: telemetry.EventDeployment, Kind: telemetry.ChangeConfiguration}
	if t.v.After == nil {
		c.Before, c.After, c.Summary = "present", "deleted", t.file+" was deleted"
	} else {
		c.Before, c.After = keys(diff, true), keys(diff, false)
		c.Detail = contents(diff)
		c.Summary = fmt.Sprintf("%s changed: %s", t.file, keysTouched(diff))
	}
	readers := t.c.Readers(t.o.Namespace(), t.o.Name())
	if len(readers) == 0 {
		if t.v.Since < settled {
			return
		}
		c.Event = telemetry.EventChange
		t.add(c)
		return
	}
	for _, w := range readers {
		told := c
		told.Workload = w
		told.Summary = fmt.Sprintf("%s uses %s", w, c.Summary)
		t.add(told)
	}
}

// contents is the diff of each entry, as people read a ConfigMap.
func contents(d object.Diff) string {
	var b strings.Builder
	for _, x := range d {
		before, after := text(x.Before), text(x.After)
		b.WriteString("@ " + entry(x.Path) + "\n")
		switch {
		case before == after:
			b.WriteString(" only what is masked differs\n")
		case strings.Contains(before, "\n") || strings.Contains(after, "\n"):
			b.WriteString(unified(before, after))
		default:
			if x.Before != nil {
				b.WriteString("-" + before + "\n")
			}
			if x.After != nil {
				b.WriteString("+" + after + "\n")
			}
		}
	}
	return clip(b.String(), maxDetail)
}

// keys are the entries with short values on one side.
func keys(d object.Diff, before bool) string {
	var out []string
	for _, x := range d {
		v := x.After
		if before {
			v = x.Before
		}
		s := text(v)
		switch {
		case v == nil:
			continue
		case strings.Contains(s, "\n"):
			out = append(out, fmt.Sprintf("%s (%d bytes)", entry(x.Path), len(s)))
		case s == secret.Mask:
			out = append(out, entry(x.Path)+"="+secret.Mask)
		default:
			out = append(out, entry(x.Path)+"="+s)
		}
	}
	return clip(strings.Join(out, ", "), maxSide)
}

func keysTouched(d object.Diff) string {
	var out []string
	for _, x := range d {
		out = append(out, entry(x.Path))
	}
	return clip(strings.Join(out, ", "), maxSide)
}

func entry(path string) string {
	return strings.ReplaceAll(path[strings.LastIndexByte(path, '/')+1:], "~1", "/")
}

// node tells of a cordon, of taints, and of conditions that changed.
func (t *teller) node() {
	if t.v.Before == nil || t.v.After == nil {
		t.spec(telemetry.ChangeNode)
		return
	}
	b, a := nodeState(t.v.Before), nodeState(t.v.After)
	if b == a {
		return
	}
	t.add(Change{
		Event: telemetry.EventChange, Kind: telemetry.ChangeNode, Before: b, After: a,
		Detail: "-" + b + "\n+" + a + "\n", Summary: fmt.Sprintf("%s: %s, was %s", t.file, a, b),
	})
}

// nodeState is what matters of a node in one line: Ready, cordoned, MemoryPressure, taint dedicated=db:NoSchedule.
func nodeState(o object.Object) string {
	var out []string
	ready := "not ready"
	for _, c := range o.Map("status").Items("conditions") {
		switch {
		case c.Text("type") == "Ready" && c.Text("status") == "True":
			ready = "ready"
		case c.Text("type") == "Ready" && c.Text("status") == "Unknown":
			ready = "silent"
		case c.Text("type") != "Ready" && c.Text("status") == "True":
			out = append(out, c.Text("type"))
		}
	}
	spec := o.Map("spec")
	if spec["unschedulable"] == true {
		out = append(out, "cordoned")
	}
	for _, x := range spec.Items("taints") {
		if strings.HasPrefix(x.Text("key"), "node.kubernetes.io/") { // the control plane's own words for the above
			continue
		}
		value := x.Text("value")
		if value != "" {
			value = "=" + value
		}
		out = append(out, "taint "+x.Text("key")+value+":"+x.Text("effect"))
	}
	sort.Strings(out)
	return strings.Join(append([]string{ready}, out...), ", ")
}

// service tells the workloads behind a Service of another selector or other ports.
func (t *teller) service() {
	if t.v.Before == nil {
		return
	}
	before := len(t.out)
	t.spec(telemetry.ChangeNetwork, "/spec/selector", "/spec/ports", "/spec/type", "/spec/externalName")
	if len(t.out) == before {
		return
	}
	c := t.out[before]
	for i, w := range t.c.Behind(t.o.Namespace(), t.o.Name()) {
		if i == 0 {
			t.out[before].Workload = w
			continue
		}
		c.Workload = w
		t.add(c)
	}
}
