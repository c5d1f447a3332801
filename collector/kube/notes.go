package kube

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/midwatch/midwatch/collector/kube/index"
	"github.com/midwatch/midwatch/collector/kube/object"
	"github.com/midwatch/midwatch/collector/secret"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// notes publishes Kubernetes Events. Nothing is remembered of one: which were published follows from their resource versions, and after a kill from what lies
// in JetStream.
type notes struct {
	*desk
	progress *progress
	listing  *step  // the list under way, or nil; only of the stream's goroutine
	high     string // resource version up to which all were handed on; only of the stream's goroutine
}

var _ sink = (*notes)(nil)

func (n *notes) load() (from string) {
	n.high = n.keeper.kept.Checkpoints["events"]
	n.progress.resume(n.high)
	if n.tail.ends[notesKind] != nil {
		n.progress.follow(n.tail.after)
	}
	return n.high
}

func (n *notes) lists() {
	if n.listing == nil {
		n.listing = n.progress.begin("")
	}
}

func (n *notes) see(ctx context.Context, s sighting) error {
	if s.deleted { // they expire
		n.reach(s.version)
		return nil
	}
	version := s.version
	if s.listed {
		version = ""
	}
	if n.high != "" && olderOrSame(s.version, n.high) {
		n.counted.replayed.Add(1)
		return nil
	}
	st := n.progress.begin(version)
	if !s.listed {
		n.high = s.version
	}
	return n.enqueue(ctx, s.object.UID(), s.size, st, func(ctx context.Context, w work) error { return n.tell(ctx, s, w) })
}

func (n *notes) reach(version string) {
	n.high = version
	n.progress.finish(n.progress.begin(version))
}

func (n *notes) listed(_ context.Context, version string) error {
	n.progress.finish(n.listing)
	n.listing = nil
	n.reach(version)
	return nil
}

func (n *notes) caughtUp() { n.progress.caughtUp() }

func (n *notes) watching() {}

func (n *notes) tell(ctx context.Context, s sighting, w work) error {
	o := s.object
	about := o.Map("involvedObject")
	at := s.seen
	if t := noteTime(o).Add(-n.skew()); !s.live && t.Before(s.seen) {
		at = t
	}
	who := subject{about.Text("apiVersion"), about.Text("kind"), about.Text("namespace"), about.Text("name"), about.Text("uid"), "", n.workload(about)}
	logs := plog.NewLogs()
	r := n.scribe.record(logs, telemetry.EventKubernetes, who, at, s.seen)
	r.Body().SetStr(secret.Line(o.Text("message")))
	if o.Text("type") == "Warning" {
		r.SetSeverityNumber(plog.SeverityNumberWarn)
	}
	a := r.Attributes()
	a.PutStr(telemetry.K8sEventReason, o.Text("reason"))
	a.PutStr(telemetry.K8sEventType, o.Text("type"))
	a.PutInt(telemetry.K8sEventCount, noteCount(o))
	a.PutStr(telemetry.K8sEventUID, o.UID())
	component := o.Text("reportingComponent")
	if component == "" {
		component = o.Map("source").Text("component")
	}
	put(a, telemetry.K8sEventComponent, component)
	put(a, telemetry.K8sFieldPath, about.Text("fieldPath"))
	if host := o.Map("source").Text("host"); host != "" {
		logs.ResourceLogs().At(0).Resource().Attributes().PutStr(telemetry.K8sNode, host)
	}
	return n.journal.write(ctx, entry{id: fmt.Sprintf("%s/%s/event", o.UID(), s.version), logs: logs, done: func(context.Context) error {
		n.counted.events.Add(1)
		w.release()
		n.progress.finish(w.step)
		return nil
	}})
}

// workload is whose the note is: the topmost controller of what it is about, also when that is already gone from the index's sight.
func (n *notes) workload(about object.Object) index.Workload {
	if w, ok := n.index.WorkloadByUID(about.Text("uid")); ok {
		return w
	}
	return n.index.WorkloadOf(object.Object{"kind": about.Text("kind"), "metadata": map[string]any{"name": about.Text("name"), "namespace": about.Text("namespace")}})
}

// noteTime is when the noted thing happened last, by the clock of who noted it.
func noteTime(o object.Object) time.Time {
	for _, t := range []time.Time{o.Map("series").Time("lastObservedTime"), o.Time("lastTimestamp"), o.Time("eventTime"), o.Time("firstTimestamp")} {
		if !t.IsZero() {
			return t
		}
	}
	return o.Metadata().Time("creationTimestamp")
}

func noteCount(o object.Object) int64 {
	for _, in := range []object.Object{o.Map("series"), o} {
		if n, ok := in.Number("count"); ok && n > 0 {
			return n
		}
	}
	return 1
}
