package otlp

import (
	"encoding/json"
	"math"

	"github.com/midwatch/midwatch/ingest/block"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// maxObject bounds one version of a Kubernetes object in bytes: an API server takes objects of 1.5 MiB and no larger ones.
const maxObject = 2 << 20

// objectColumns is rows of the table k8s_objects.
type objectColumns struct {
	time, observed                                    *block.Fixed
	environment, cluster, apiVersion, kind, namespace *block.Dict
	action, actor, workload                           *block.Dict
	name, uid, version, object, changes, batch        *block.Strings

	first, last int64
}

func newObjectColumns() *objectColumns {
	return &objectColumns{
		time: block.Time(), observed: block.Time(), environment: block.NewDict(), cluster: block.NewDict(), apiVersion: block.NewDict(),
		kind: block.NewDict(), namespace: block.NewDict(), action: block.NewDict(), actor: block.NewDict(), workload: block.NewDict(),
		name: block.NewStrings(), uid: block.NewStrings(), version: block.NewStrings(), object: block.NewStrings(), changes: block.NewStrings(),
		batch: block.NewStrings(), first: math.MaxInt64,
	}
}

func (c *objectColumns) chunk(d Day) *Chunk {
	return &Chunk{Table: "k8s_objects", Day: d, First: c.first, Last: c.last, Block: block.Block{
		{Name: "time", Column: c.time},
		{Name: "observed_time", Column: c.observed},
		{Name: "environment", Column: c.environment},
		{Name: "cluster", Column: c.cluster},
		{Name: "api_version", Column: c.apiVersion},
		{Name: "kind", Column: c.kind},
		{Name: "namespace", Column: c.namespace},
		{Name: "name", Column: c.name},
		{Name: "uid", Column: c.uid},
		{Name: "resource_version", Column: c.version},
		{Name: "action", Column: c.action},
		{Name: "actor", Column: c.actor},
		{Name: "workload", Column: c.workload},
		{Name: "object", Column: c.object},
		{Name: "diff", Column: c.changes},
		{Name: "batch_id", Column: c.batch},
	}}
}

// addObject takes a log record that is a version of a Kubernetes object.
func (r *Rows) addObject(res *resource, l *logRecord) {
	at, observed, ok := r.objectTimes(l)
	if !ok {
		return
	}
	if r.long || len(l.body) > maxObject {
		r.Tally.reject(recordTooLarge)
		return
	}
	v := objectVersion(l)
	if !v.whole() || !isObject(l.body) {
		r.Tally.reject(badObject)
		return
	}
	if len(v.changes) > maxAttribute || !json.Valid(v.changes) { // readers make it again of the two versions
		if len(v.changes) > 0 {
			r.Tally.note(attributeCut)
		}
		v.changes = nil
	}
	if !r.fits(res, v.size()+len(l.body), maxObject) {
		return
	}
	c := on(&r.objects, at, newObjectColumns)
	c.first, c.last = min(c.first, at), max(c.last, at)
	c.time.Put64(uint64(at))
	c.observed.Put64(uint64(observed))
	c.environment.PutString(res.environment)
	c.cluster.PutString(res.cluster)
	c.apiVersion.Put(v.apiVersion)
	c.kind.Put(v.kind)
	c.namespace.PutString(res.namespace)
	c.name.Put(v.name)
	c.uid.Put(v.uid)
	c.version.Put(v.version)
	c.action.Put(v.action)
	c.actor.Put(v.actor)
	c.workload.Put(v.workload)
	c.object.Put(l.body)
	c.changes.Put(v.changes)
	c.batch.PutString(r.ID)
}

// objectTimes is since when an object is as the record says, and when that was seen. What was found by a list may have been so for years:
// it is stored as of at most a day before it was seen, where questions about any moment since then find it.
func (r *Rows) objectTimes(l *logRecord) (at, observed int64, ok bool) {
	seen := l.observed
	if seen == 0 {
		seen = l.time
	}
	if observed, ok = r.at(seen); !ok {
		return at, observed, false
	}
	at = observed
	if l.time != 0 && l.time < uint64(observed) { // else a clock that is ahead: what is seen is so by then
		at = int64(l.time)
	}
	return max(at, observed-int64(telemetry.SnapshotEvery)), observed, true
}

// version is what the attributes of such a record say.
type version struct{ apiVersion, kind, name, uid, version, action, actor, workload, changes []byte }

func objectVersion(l *logRecord) version {
	get := l.attributes.get
	return version{
		apiVersion: get(telemetry.K8sObjectAPIVersion), kind: get(telemetry.K8sObjectKind), name: get(telemetry.K8sObjectName),
		uid: get(telemetry.K8sObjectUID), version: get(telemetry.K8sObjectResourceVersion), action: get(telemetry.ObjectAction),
		actor: get(telemetry.ObjectActor), workload: get(telemetry.ObjectWorkload), changes: get(telemetry.ObjectDiff),
	}
}

// whole says that the record tells which version of which object it is.
func (v version) whole() bool {
	switch string(v.action) {
	case telemetry.ObjectAdded, telemetry.ObjectModified, telemetry.ObjectDeleted, telemetry.ObjectSnapshot:
		return len(v.kind) > 0 && len(v.name) > 0 && len(v.uid) > 0 && len(v.version) > 0
	}
	return false
}

func (v version) size() int {
	return len(v.apiVersion) + len(v.kind) + len(v.name) + len(v.uid) + len(v.version) + len(v.action) + len(v.actor) + len(v.workload) + len(v.changes)
}

func isObject(body []byte) bool { return len(body) > 0 && body[0] == '{' && json.Valid(body) }
