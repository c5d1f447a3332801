// Package kubernetestest makes the log records by which the exporter tells of Kubernetes objects, Events and changes: what tests of the
// store, the tools and the detectors send through the real ingester.
package kubernetestest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/midwatch/midwatch/internal/kubernetes"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// Cluster is the uid that all records carry.
const Cluster = "0b7e5d0c-1c38-4a7e-9d3c-2f9d3b8a6c11"

// Version is one version of an object as the exporter tells it.
type Version struct {
	Time     time.Time // since when it is so
	Observed time.Time // zero: Time
	Action   string    // telemetry.Object…
	Actor    string
	Workload string // kind/name
	Diff     string // JSON
	Object   json.RawMessage
}

// Event is one Kubernetes Event as the exporter tells it.
type Event struct {
	Time                      time.Time
	Namespace, Kind, Name     string // of what it regards
	Workload                  string // kind/name
	Reason, Type, Note        string // Type empty: Warning
	Component, FieldPath, UID string
	Count                     int // 0: 1
}

// Change is a midwatch.deployment or midwatch.k8s.change as the exporter tells it.
type Change struct {
	Time                        time.Time
	Event                       string // telemetry.EventDeployment or EventChange
	Namespace, Kind, Name       string // of the object that changed
	Service                     string // empty: of Name
	What, Before, After, Detail string
	Actor, ID                   string
}

// Records collects records of one environment.
type Records struct {
	Environment string
	Logs        plog.Logs
}

// New returns an empty collection.
func New(environment string) *Records {
	return &Records{Environment: environment, Logs: plog.NewLogs()}
}

// record adds one with its resource.
func (r *Records) record(at time.Time, namespace, service, event string) (plog.LogRecord, pcommon.Map) {
	rl := r.Logs.ResourceLogs().AppendEmpty()
	resource := rl.Resource().Attributes()
	resource.PutStr(telemetry.Environment, r.Environment)
	resource.PutStr(telemetry.K8sClusterUID, Cluster)
	if namespace != "" {
		resource.PutStr(telemetry.K8sNamespace, namespace)
	}
	if service != "" {
		resource.PutStr(telemetry.ServiceName, service)
	}
	l := rl.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	l.SetTimestamp(pcommon.NewTimestampFromTime(at))
	l.SetObservedTimestamp(pcommon.NewTimestampFromTime(at))
	l.SetEventName(event)
	return l, l.Attributes()
}

// Version adds a version of an object.
func (r *Records) Version(v Version) *Records {
	o, err := kubernetes.Parse(v.Object)
	if err != nil {
		panic(fmt.Sprintf("a test's object: %v", err))
	}
	l, a := r.record(v.Time, o.Metadata.Namespace, "", telemetry.EventObject)
	if !v.Observed.IsZero() {
		l.SetObservedTimestamp(pcommon.NewTimestampFromTime(v.Observed))
	}
	l.Body().SetStr(string(v.Object))
	a.PutStr(telemetry.K8sObjectKind, o.Kind)
	a.PutStr(telemetry.K8sObjectAPIVersion, o.APIVersion)
	a.PutStr(telemetry.K8sObjectName, o.Metadata.Name)
	a.PutStr(telemetry.K8sObjectUID, o.Metadata.UID)
	a.PutStr(telemetry.K8sObjectResourceVersion, o.Metadata.ResourceVersion)
	a.PutStr(telemetry.ObjectAction, v.Action)
	a.PutStr(telemetry.ObjectActor, v.Actor)
	a.PutStr(telemetry.ObjectWorkload, v.Workload)
	if v.Diff != "" {
		a.PutStr(telemetry.ObjectDiff, v.Diff)
	}
	return r
}

// Event adds a Kubernetes Event.
func (r *Records) Event(e Event) *Records {
	service := ""
	if _, name, ok := cut(e.Workload); ok {
		service = telemetry.ServiceOf(e.Namespace, name)
	}
	l, a := r.record(e.Time, e.Namespace, service, telemetry.EventKubernetes)
	l.Body().SetStr(e.Note)
	if e.Type == "" {
		e.Type = "Warning"
	}
	a.PutStr(telemetry.K8sEventReason, e.Reason)
	a.PutStr(telemetry.K8sEventType, e.Type)
	a.PutInt(telemetry.K8sEventCount, int64(max(1, e.Count)))
	a.PutStr(telemetry.K8sEventUID, e.UID)
	a.PutStr(telemetry.K8sEventComponent, e.Component)
	a.PutStr(telemetry.K8sFieldPath, e.FieldPath)
	a.PutStr(telemetry.K8sObjectKind, e.Kind)
	a.PutStr(telemetry.K8sObjectName, e.Name)
	a.PutStr(telemetry.ObjectWorkload, e.Workload)
	return r
}

// Change adds a change.
func (r *Records) Change(c Change) *Records {
	if c.Service == "" {
		c.Service = telemetry.ServiceOf(c.Namespace, c.Name)
	}
	l, a := r.record(c.Time, c.Namespace, c.Service, c.Event)
	l.Body().SetStr(fmt.Sprintf("%s of %s changed", c.What, c.Service))
	for name, value := range map[string]string{
		telemetry.ChangeKind: c.What, telemetry.ChangeBefore: c.Before, telemetry.ChangeAfter: c.After, telemetry.ChangeDetail: c.Detail,
		telemetry.ObjectActor: c.Actor, telemetry.ChangeID: c.ID, telemetry.K8sObjectKind: c.Kind, telemetry.K8sObjectName: c.Name,
	} {
		a.PutStr(name, value)
	}
	return r
}

func cut(workload string) (kind, name string, ok bool) { return strings.Cut(workload, "/") }
