package kube

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/midwatch/midwatch/collector/kube/index"
	"github.com/midwatch/midwatch/collector/kube/object"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// clusterService is the service.name of what belongs to no workload.
const clusterService = "kubernetes"

// subject is what a record is about.
type subject struct {
	apiVersion, kind, namespace, name, uid, version string
	workload                                        index.Workload
}

func subjectOf(o object.Object, version string, w index.Workload) subject {
	return subject{o.APIVersion(), o.Kind(), o.Namespace(), o.Name(), o.UID(), version, w}
}

// scribe writes records of one cluster.
type scribe struct{ environment, cluster string }

// record starts a log record about s.
func (w scribe) record(logs plog.Logs, event string, s subject, at, seen time.Time) plog.LogRecord {
	rl := logs.ResourceLogs().AppendEmpty()
	res := rl.Resource().Attributes()
	if w.environment != "" {
		res.PutStr(telemetry.Environment, w.environment)
	}
	res.PutStr(telemetry.K8sClusterUID, w.cluster)
	put(res, telemetry.K8sNamespace, s.namespace)
	res.PutStr(telemetry.ServiceName, clusterService)
	if service := s.workload.Service(); service != "" {
		res.PutStr(telemetry.ServiceName, service)
		res.PutStr(telemetry.K8sWorkload, s.workload.String())
	}
	switch s.kind {
	case "Pod":
		res.PutStr(telemetry.K8sPod, s.name)
		put(res, telemetry.K8sPodUID, s.uid)
	case "Node":
		res.PutStr(telemetry.K8sNode, s.name)
	}
	r := rl.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	r.SetTimestamp(pcommon.NewTimestampFromTime(at))
	r.SetObservedTimestamp(pcommon.NewTimestampFromTime(seen))
	r.SetEventName(event)
	r.SetSeverityNumber(plog.SeverityNumberInfo)
	a := r.Attributes()
	a.PutStr(telemetry.EventName, event)
	a.PutStr(telemetry.K8sObjectKind, s.kind)
	a.PutStr(telemetry.K8sObjectAPIVersion, s.apiVersion)
	a.PutStr(telemetry.K8sObjectName, s.name)
	put(a, telemetry.K8sObjectUID, s.uid)
	put(a, telemetry.K8sObjectResourceVersion, s.version)
	put(a, telemetry.ObjectWorkload, s.workload.String())
	return r
}

func put(m pcommon.Map, key, value string) {
	if value != "" {
		m.PutStr(key, value)
	}
}
