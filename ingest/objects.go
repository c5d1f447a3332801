package ingest

import (
	"encoding/json"
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// maxObject bounds one version of a Kubernetes object in bytes: an API server takes objects of 1.5 MiB and no larger ones.
const maxObject = 2 << 20

// objectColumns is rows of the table k8s_objects.
type objectColumns struct {
	time, observed                                                []time.Time
	environment, cluster, apiVersion, kind, namespace, name       []string
	uid, version, action, actor, workload, object, changes, batch []string
}

func (c *objectColumns) chunk(d day) *chunk {
	return &chunk{
		table: "k8s_objects", day: d, rows: len(c.time),
		first: slices.MinFunc(c.time, time.Time.Compare), last: slices.MaxFunc(c.time, time.Time.Compare),
		columns: []tableColumn{
			{"time", c.time},
			{"observed_time", c.observed},
			{"environment", c.environment},
			{"cluster", c.cluster},
			{"api_version", c.apiVersion},
			{"kind", c.kind},
			{"namespace", c.namespace},
			{"name", c.name},
			{"uid", c.uid},
			{"resource_version", c.version},
			{"action", c.action},
			{"actor", c.actor},
			{"workload", c.workload},
			{"object", c.object},
			{"diff", c.changes},
			{"batch_id", c.batch},
		},
	}
}

// addObject takes a log record that is a version of a Kubernetes object.
func (r *rows) addObject(res *resource, l plog.LogRecord) {
	at, observed, ok := r.objectTimes(l)
	if !ok {
		return
	}
	v := objectVersion(l)
	body := l.Body().AsString()
	if !v.whole() || !isObject(body) {
		r.tally.reject(badObject)
		return
	}
	if len(v.changes) > maxAttribute || !json.Valid([]byte(v.changes)) { // readers make it again of the two versions
		if v.changes != "" {
			r.tally.note(attributeCut)
		}
		v.changes = ""
	}
	if !r.fits(res, v.size()+len(body), maxObject) {
		return
	}
	c := on(&r.objects, at)
	c.time = append(c.time, at)
	c.observed = append(c.observed, observed)
	c.environment = append(c.environment, res.environment)
	c.cluster = append(c.cluster, res.cluster)
	c.apiVersion = append(c.apiVersion, v.apiVersion)
	c.kind = append(c.kind, v.kind)
	c.namespace = append(c.namespace, res.namespace)
	c.name = append(c.name, v.name)
	c.uid = append(c.uid, v.uid)
	c.version = append(c.version, v.version)
	c.action = append(c.action, v.action)
	c.actor = append(c.actor, v.actor)
	c.workload = append(c.workload, v.workload)
	c.object = append(c.object, body)
	c.changes = append(c.changes, v.changes)
	c.batch = append(c.batch, r.id)
}

// objectTimes is since when an object is as the record says, and when that was seen. What was found by a list may have been so for years:
// it is stored as of at most a day before it was seen, where questions about any moment since then find it.
func (r *rows) objectTimes(l plog.LogRecord) (at, observed time.Time, ok bool) {
	seen := l.ObservedTimestamp()
	if seen == 0 {
		seen = l.Timestamp()
	}
	if observed, ok = r.at(seen); !ok {
		return at, observed, false
	}
	at = l.Timestamp().AsTime()
	if l.Timestamp() == 0 || at.After(observed) { // a clock that is ahead: what is seen is so by then
		at = observed
	}
	if earliest := observed.Add(-telemetry.SnapshotEvery); at.Before(earliest) {
		at = earliest
	}
	return at, observed, true
}

// version is what the attributes of such a record say.
type version struct{ apiVersion, kind, name, uid, version, action, actor, workload, changes string }

func objectVersion(l plog.LogRecord) (v version) {
	for key, value := range l.Attributes().All() {
		switch key {
		case telemetry.K8sObjectAPIVersion:
			v.apiVersion = value.AsString()
		case telemetry.K8sObjectKind:
			v.kind = value.AsString()
		case telemetry.K8sObjectName:
			v.name = value.AsString()
		case telemetry.K8sObjectUID:
			v.uid = value.AsString()
		case telemetry.K8sObjectResourceVersion:
			v.version = value.AsString()
		case telemetry.ObjectAction:
			v.action = value.AsString()
		case telemetry.ObjectActor:
			v.actor = value.AsString()
		case telemetry.ObjectWorkload:
			v.workload = value.AsString()
		case telemetry.ObjectDiff:
			v.changes = value.AsString()
		}
	}
	return v
}

// whole says that the record tells which version of which object it is.
func (v version) whole() bool {
	switch v.action {
	case telemetry.ObjectAdded, telemetry.ObjectModified, telemetry.ObjectDeleted, telemetry.ObjectSnapshot:
		return v.kind != "" && v.name != "" && v.uid != "" && v.version != ""
	}
	return false
}

func (v version) size() int {
	return len(v.apiVersion) + len(v.kind) + len(v.name) + len(v.uid) + len(v.version) + len(v.action) + len(v.actor) + len(v.workload) + len(v.changes)
}

func isObject(body string) bool { return len(body) > 0 && body[0] == '{' && json.Valid([]byte(body)) }
