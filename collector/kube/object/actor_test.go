package object_test

import (
	"testing"

	"github.com/midwatch/midwatch/collector/kube/object"
)

// managed is a Deployment as the API server writes it after `kubectl rollout undo`, whose removal of a variable nobody owns, and after its
// controller told of it in the same second.
const managed = `{"metadata":{"managedFields":[
	{"manager":"kubectl-client-side-apply","operation":"Update","time":"2026-03-01T03:00:00Z","fieldsV1":{"f:spec":{"f:replicas":{}}}},
	{"manager":"kubectl-rollout","operation":"Update","time":"2026-03-01T03:10:00Z","fieldsV1":{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"app\"}":{"f:image":{}}}}}}}},
	{"manager":"kube-controller-manager","operation":"Update","subresource":"status","time":"2026-03-01T03:10:00Z","fieldsV1":{"f:status":{"f:replicas":{}}}}]}}`

func TestActorIsWhoWroteWhatChanged(t *testing.T) {
	o, err := object.Decode([]byte(managed))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/spec/replicas": "kubectl-client-side-apply",
		"/spec/template/spec/containers/app/env/ERRORS": "kubectl-rollout", // removed
		"/status/replicas": "kube-controller-manager",
	} {
		if got, _ := object.ManagedBy(o).Actor(object.Diff{{Path: path}}); got != want {
			t.Errorf("%s was changed by %q, want %q", path, got, want)
		}
	}
}

// A list tells in one version what several wrote.
func TestActorIsWhoAskedForAChange(t *testing.T) {
	o, err := object.Decode([]byte(managed))
	if err != nil {
		t.Fatal(err)
	}
	for want, paths := range map[string][]string{
		"kubectl-client-side-apply": {"/metadata/generation", "/spec/replicas", "/status/replicas"},
		"kube-controller-manager":   {"/metadata/annotations/deployment.kubernetes.io~1revision", "/status/replicas"},
		"":                          {"/metadata/deletionGracePeriodSeconds", "/metadata/deletionTimestamp", "/metadata/generation"}, // nobody owns these
	} {
		var diff object.Diff
		for _, path := range paths {
			diff = append(diff, object.Difference{Path: path})
		}
		if got, _ := object.ManagedBy(o).Actor(diff); got != want {
			t.Errorf("%v were changed by %q, want %q", paths, got, want)
		}
	}
}
