package object_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/collector/kube/object"
)

func decode(t *testing.T, raw string) object.Object {
	t.Helper()
	o, err := object.Decode([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func text(t *testing.T, o object.Object) string {
	t.Helper()
	b, err := o.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestNoiseIsNoVersion(t *testing.T) {
	for _, c := range []struct{ name, before, after string }{
		{
			"managed fields and version", `{"kind":"Pod","metadata":{"resourceVersion":"1","managedFields":[{"manager":"a"}]}}`,
			`{"kind":"Pod","metadata":{"resourceVersion":"2"}}`,
		},
		{
			"last applied", `{"kind":"Deployment","metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{}"}}}`,
			`{"kind":"Deployment","metadata":{}}`,
		},
		{
			"a node's heartbeat", `{"kind":"Node","metadata":{},"status":{"images":[{}],"conditions":[{"type":"Ready","status":"True","lastHeartbeatTime":"2026-01-01T00:00:00Z"}]}}`,
			`{"kind":"Node","metadata":{},"status":{"conditions":[{"type":"Ready","status":"True","lastHeartbeatTime":"2026-01-01T00:05:00Z"}]}}`,
		},
		{
			"leader election", `{"kind":"ConfigMap","metadata":{"annotations":{"control-plane.alpha.kubernetes.io/leader":"{1}"}}}`,
			`{"kind":"ConfigMap","metadata":{"annotations":{"control-plane.alpha.kubernetes.io/leader":"{2}"}}}`,
		},
		{
			"what an autoscaler measures", `{"kind":"HorizontalPodAutoscaler","metadata":{},"status":{"currentMetrics":[{"v":1}]}}`,
			`{"kind":"HorizontalPodAutoscaler","metadata":{},"status":{"currentMetrics":[{"v":2}]}}`,
		},
	} {
		b, a := decode(t, c.before), decode(t, c.after)
		object.Normalize(b)
		object.Normalize(a)
		if d := object.Compare(b, a); d.Matters(a.Kind()) {
			t.Errorf("%s: %v", c.name, d)
		}
	}
}

func TestUnknownFieldsAndLargeNumbersAreKept(t *testing.T) {
	o := decode(t, `{"kind":"Pod","metadata":{"uid":"u"},"spec":{"fromTheFuture":{"n":9007199254740993,"x":[1.50,null,true]}}}`)
	object.Normalize(o)
	if want := `{"kind":"Pod","metadata":{"uid":"u"},"spec":{"fromTheFuture":{"n":9007199254740993,"x":[1.50,null,true]}}}`; text(t, o) != want {
		t.Error(text(t, o))
	}
}

func TestDiffNamesItemsOfLists(t *testing.T) {
	before := decode(t, `{"spec":{"replicas":3,"a/b":1,"containers":[{"name":"x","image":"1"},{"name":"y"}],"list":[1,2]}}`)
	after := decode(t, `{"spec":{"replicas":5,"containers":[{"name":"y"},{"name":"x","image":"2"},{"name":"z"}],"list":[1]}}`)
	got, err := object.Compare(before, after).JSON()
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"path":"/spec/a~1b","before":1,"after":null},{"path":"/spec/containers/x/image","before":"1","after":"2"},` +
		`{"path":"/spec/containers/z","before":null,"after":{"name":"z"}},{"path":"/spec/list/1","before":2,"after":null},{"path":"/spec/replicas","before":3,"after":5}]`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestADiffIsBounded(t *testing.T) {
	data := map[string]any{}
	for i := range 1500 { // together as large as an object can be
		data[fmt.Sprintf("%0500d", i)] = strings.Repeat("x", 1000)
	}
	got, err := object.Compare(object.Object{}, object.Object{"data": data}).JSON()
	if err != nil || len(got) > 64<<10 {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// The actor of a change is who owns what changed, not who wrote last.
func TestActor(t *testing.T) {
	o := decode(t, `{"metadata":{"managedFields":[
		{"manager":"kubectl-client-side-apply","time":"2026-01-01T00:00:00Z","fieldsV1":{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"api\"}":{"f:image":{}}}}}}}},
		{"manager":"kube-controller-manager","subresource":"scale","time":"2026-01-01T00:01:00Z","fieldsV1":{"f:spec":{"f:replicas":{}}}},
		{"manager":"kube-controller-manager","subresource":"status","time":"2026-01-01T00:02:00Z","fieldsV1":{"f:status":{"f:replicas":{}}}}]}}`)
	for path, want := range map[string][2]string{
		"/spec/template/spec/containers/api/image": {"kubectl-client-side-apply", ""},
		"/spec/replicas":   {"kube-controller-manager", "scale"},
		"/status/replicas": {"kube-controller-manager", "status"},
		"/metadata/labels": {"kubectl-client-side-apply", ""}, // nobody owns what was removed: who wrote the object itself last
	} {
		manager, sub := object.ManagedBy(o).Actor(object.Diff{{Path: path}})
		if manager != want[0] || sub != want[1] {
			t.Errorf("%s: %s %s, want %v", path, manager, sub, want)
		}
	}
	if m, _ := object.ManagedBy(object.Object{}).Actor(nil); m != "" {
		t.Errorf("of an object that does not tell: %q", m)
	}
}

func TestTouchedIsTheNewestTimeAndNoneOfTheFuture(t *testing.T) {
	o := decode(t, `{"metadata":{"creationTimestamp":"2026-01-01T00:00:00Z","managedFields":[{"time":"2026-01-01T00:05:00Z"}],
		"deletionTimestamp":"2026-01-01T00:06:30Z","deletionGracePeriodSeconds":30}}`)
	if got, want := object.Touched(o), time.Date(2026, 1, 1, 0, 6, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("%s, want %s: when its deletion was asked for", got, want)
	}
}
