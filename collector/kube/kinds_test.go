package kube_test

import (
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/midwatch/midwatch/collector/kube"
	"github.com/midwatch/midwatch/collector/kube/api"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// apiNowhere is an address at which nobody may be asked.
var apiNowhere = &rest.Config{Host: "http://127.0.0.1:1"}

func TestSecretsAreNeverAskedFor(t *testing.T) {
	for _, k := range kube.Kinds() {
		for _, r := range k {
			if err := r.Validate(); err != nil || strings.Contains(r.Name, "secret") {
				t.Errorf("%s: %v", r, err)
			}
		}
	}
	c, err := api.New(apiNowhere)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []api.Resource{{Version: "v1", Name: "secrets", Kind: "Secret"}, {Version: "v1", Name: "secrets", Kind: "Secret", Metadata: true}} {
		_, listed := c.List(t.Context(), r, nil)
		_, version := c.Version(t.Context(), r)
		for what, err := range map[string]error{"list": listed, "watch": c.Watch(t.Context(), r, "1", nil), "version": version, "served": c.Served(t.Context(), r)} {
			if !errors.Is(err, api.ErrSecret) {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	if err := (kube.CustomResource{Version: "v1", Resource: "secrets", Kind: "Secret"}).Validate(); err == nil {
		t.Error("Secrets may be configured")
	}
	for _, name := range []string{"../secrets", "pods/../secrets", "secrets?x", "Secrets", ""} {
		if err := (api.Resource{Version: "v1", Name: name}).Validate(); err == nil {
			t.Errorf("%q passes for a resource", name)
		}
	}
}

// TestAKindWithoutPermissionIsReported gives a watcher the right to see pods alone, and later ConfigMaps, too.
func TestAKindWithoutPermissionIsReported(t *testing.T) {
	c := startCluster(t)
	c.allow("pods", "namespaces")
	w, _, _ := c.watch(func(cfg *kube.Config) { cfg.Cluster = c.api.User("watcher") })
	if _, err := c.client.CoreV1().Pods("default").Create(t.Context(), pod("seen"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.client.CoreV1().ConfigMaps("default").Create(t.Context(), configMap("later", nil), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	c.await("the pod", func(r record) bool { return r.is("Pod", "seen", "added") })
	c.eventually("ConfigMaps are reported", func() bool {
		return state(w, "configmaps") == kube.KindState{Resource: "configmaps", Reason: "forbidden"}
	})
	if state(w, "httproutes.gateway.networking.k8s.io").Reason != "not_served" {
		t.Error(state(w, "httproutes.gateway.networking.k8s.io"))
	}
	if _, err := kubernetesAs(t, c, "watcher").CoreV1().Secrets("default").List(t.Context(), metav1.ListOptions{}); err == nil {
		t.Error("the watcher may read Secrets")
	}
	c.allow("pods", "namespaces", "configmaps")
	c.await("the ConfigMap, once it is allowed", func(r record) bool { return r.is("ConfigMap", "later", "added") })
	if !state(w, "configmaps").Watched {
		t.Error(state(w, "configmaps"))
	}
}

func state(w *kube.Watcher, resource string) kube.KindState {
	for _, k := range w.Stats().Kinds {
		if k.Resource == resource {
			return k
		}
	}
	return kube.KindState{}
}

func kubernetesAs(t *testing.T, c *cluster, user string) kubernetes.Interface {
	t.Helper()
	client, err := kubernetes.NewForConfig(c.api.User(user))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// allow gives the user watcher the right to read resources of the core group.
func (c *cluster) allow(resources ...string) {
	c.t.Helper()
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "watcher"}, Rules: []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: resources, Verbs: []string{"get", "list", "watch"}}}}
	roles := c.client.RbacV1().ClusterRoles()
	if _, err := roles.Create(c.t.Context(), role, metav1.CreateOptions{}); err == nil {
		_, err = c.client.RbacV1().ClusterRoleBindings().Create(c.t.Context(), &rbacv1.ClusterRoleBinding{
			ObjectMeta: role.ObjectMeta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "watcher"},
			Subjects: []rbacv1.Subject{{Kind: "User", APIGroup: rbacv1.GroupName, Name: "watcher"}},
		}, metav1.CreateOptions{})
		if err != nil {
			c.t.Fatal(err)
		}
	} else if _, err := roles.Update(c.t.Context(), role, metav1.UpdateOptions{}); err != nil {
		c.t.Fatal(err)
	}
}

var (
	definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	rollouts    = schema.GroupVersionResource{Group: "example.dev", Version: "v1", Resource: "rollouts"}
)

func TestACustomResourceThatVanishesAndComesBack(t *testing.T) {
	c := startCluster(t)
	client, err := dynamic.NewForConfig(c.api.Config)
	if err != nil {
		t.Fatal(err)
	}
	w, _, _ := c.watch(func(cfg *kube.Config) {
		cfg.Custom = []kube.CustomResource{{Group: "example.dev", Version: "v1", Resource: "rollouts", Kind: "Rollout"}}
	})
	const name = "rollouts.example.dev"
	c.eventually("it is not served yet", func() bool { return state(w, name).Reason == "not_served" })
	for _, object := range []string{"first", "second"} {
		definition := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": map[string]any{"name": name},
			"spec": map[string]any{
				"group": "example.dev", "scope": "Namespaced", "names": map[string]any{"plural": "rollouts", "singular": "rollout", "kind": "Rollout"},
				"versions": []any{map[string]any{"name": "v1", "served": true, "storage": true, "schema": map[string]any{
					"openAPIV3Schema": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true},
				}}},
			},
		}}
		if _, err := client.Resource(definitions).Create(t.Context(), definition, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		one := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "example.dev/v1", "kind": "Rollout", "metadata": map[string]any{"name": object}, "spec": map[string]any{"token": "hunter2", "weight": int64(20)},
		}}
		c.eventually("the API server takes one", func() bool {
			_, err := client.Resource(rollouts).Namespace("default").Create(t.Context(), one, metav1.CreateOptions{})
			return err == nil
		})
		added := c.await(object, func(r record) bool { return r.is("Rollout", object, "added") })
		if strings.Contains(added.body, "hunter2") || !strings.Contains(added.body, `"weight":20`) {
			t.Error(added.body)
		}
		if err := client.Resource(definitions).Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		c.await("its end", func(r record) bool { return r.is("Rollout", object, "deleted") })
		c.eventually("it is served no more", func() bool { return state(w, name).Reason == "not_served" })
	}
}

func TestEventsAreRecords(t *testing.T) {
	c := startCluster(t)
	made, err := c.client.CoreV1().Pods("default").Create(t.Context(), pod("api"), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c.watch()
	c.await("the pod", func(r record) bool { return r.is("Pod", "api", "added") })
	note := &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Name: "api.1", Namespace: "default"}, Reason: "BackOff", Message: "Back-off restarting failed container", Type: "Warning", Count: 3,
		InvolvedObject: corev1.ObjectReference{APIVersion: "v1", Kind: "Pod", Namespace: "default", Name: "api", UID: made.UID, FieldPath: "spec.containers{main}"},
		Source:         corev1.EventSource{Component: "kubelet", Host: "n1"}, LastTimestamp: metav1.Now(),
	}
	if note, err = c.client.CoreV1().Events("default").Create(t.Context(), note, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	is := func(count int64) func(record) bool {
		return func(r record) bool {
			return r.event == telemetry.EventKubernetes && r.attributes[telemetry.K8sEventUID] == string(note.UID) && r.attributes[telemetry.K8sEventCount] == count
		}
	}
	r := c.await("the Event", is(3))
	for key, want := range map[string]string{
		telemetry.K8sEventReason: "BackOff", telemetry.K8sEventType: "Warning", telemetry.K8sEventComponent: "kubelet", telemetry.K8sFieldPath: "spec.containers{main}",
		telemetry.K8sObjectKind: "Pod", telemetry.K8sObjectName: "api", telemetry.ObjectWorkload: "pod/api",
	} {
		if r.text(key) != want {
			t.Errorf("%s: %q, want %q", key, r.text(key), want)
		}
	}
	if r.body != note.Message || r.severity < 13 || r.resource[telemetry.K8sPod] != "api" || r.resource[telemetry.K8sNode] != "n1" || r.resource[telemetry.K8sClusterUID] == "" {
		t.Error(r, r.body, r.severity, r.resource)
	}
	note.Count = 4
	if _, err := c.client.CoreV1().Events("default").Update(t.Context(), note, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	c.await("it happened again", is(4))
}

func TestALargeObject(t *testing.T) {
	c := startCluster(t)
	large := configMap("large", map[string]string{"a": strings.Repeat("all work and no play\n", 45_000)}) // 945 kB
	if _, err := c.client.CoreV1().ConfigMaps("default").Create(t.Context(), large, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	c.watch()
	if r := c.await("the large ConfigMap", func(r record) bool { return r.is("ConfigMap", "large", "added") }); len(r.body) < 900_000 {
		t.Errorf("%d bytes", len(r.body))
	}
}

// TestOneOfSeveralPublishes runs two replicas; when the leader stops the other goes on, and nothing is said twice.
func TestOneOfSeveralPublishes(t *testing.T) {
	c := startCluster(t)
	replica := func(name string) func(*kube.Config) {
		return func(cfg *kube.Config) {
			cfg.Election = &kube.Election{Namespace: "default", Name: "exporter", Identity: name}
		}
	}
	a, _, stopA := c.watch(replica("a"))
	c.eventually("a leads", func() bool { return a.Stats().Leading })
	b, known, _ := c.watch(replica("b"))
	made := pod("one")
	if _, err := c.client.CoreV1().Pods("default").Create(t.Context(), made, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	c.await("a publishes", func(r record) bool { return r.is("Pod", "one", "added") })
	c.eventually("b knows the pod, too", func() bool { return known.Sizes().Pods == 1 })
	if b.Stats().Leading || b.Stats().Published > 0 {
		t.Error("both lead")
	}
	stopA()
	if _, err := c.client.CoreV1().Pods("default").Create(t.Context(), pod("two"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	c.await("b publishes", func(r record) bool { return r.is("Pod", "two", "added") })
	if n := c.count(func(r record) bool { return r.is("Pod", "one", "added") }); n != 1 {
		t.Errorf("what a had published was published %d times", n)
	}
}
