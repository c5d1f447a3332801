package testcluster_test

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/midwatch/midwatch/deploy/testcluster"
	"github.com/midwatch/midwatch/deploy/testcluster/clustertest"
	"github.com/midwatch/midwatch/sandbox/escapetest"
)

//go:embed testdata/sandbox.yaml
var namespaces string

// profilePath is where the kubelet looks for the chart's profile.
const profilePath = "/var/lib/kubelet/seccomp/midwatch/sandbox.json"

// In a pod as the chart runs the sandbox role, which Kubernetes' own strictest policy admits, the engines find the walls they find on a plain machine.
func TestSandboxInAPod(t *testing.T) {
	c := clustertest.Start(t, escapeImage(t))
	kubectl(t, c, namespaces, "apply", "-f", "-")
	chartsProfile, err := os.ReadFile("../helm/midwatch/files/seccomp.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.WriteFile(t.Context(), profilePath, chartsProfile); err != nil {
		t.Fatal(err)
	}
	file := "midwatch/sandbox.json"
	localhost := core.SeccompProfile{Type: core.SeccompProfileTypeLocalhost, LocalhostProfile: &file}
	runtimes := core.SeccompProfile{Type: core.SeccompProfileTypeRuntimeDefault}
	for _, tc := range []struct {
		name, engine, namespace string
		profile                 core.SeccompProfile
		refused                 string // how the engine's error begins, instead of running
	}{
		{"native under the chart's profile", "native", "restricted", localhost, ""},
		{"gvisor under the chart's profile", "gvisor", "restricted", localhost, ""},
		{"native without a profile", "native", "privileged", core.SeccompProfile{Type: core.SeccompProfileTypeUnconfined}, ""},
		{
			"native under the runtime's profile", "native", "restricted", runtimes,
			"sandbox unavailable: start midwatch-analyst: fork/exec /proc/self/fd/4: operation not permitted (a seccomp filter is on this process",
		},
		{
			"gvisor under the runtime's profile", "gvisor", "restricted", runtimes,
			"sandbox unavailable: gVisor did not start: Error executing inside namespace: re-executing self: fork/exec /proc/self/exe: operation not permitted (a seccomp",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			phase, said := runPod(t, c, tc.namespace, sandboxPod(tc.engine, tc.profile))
			if tc.refused != "" {
				if phase != core.PodFailed || !strings.HasPrefix(said, tc.refused) {
					t.Errorf("it %s and said %q, want %q", phase, said, tc.refused)
				}
				return
			}
			if phase != core.PodSucceeded {
				t.Fatalf("it %s and said %q", phase, said)
			}
			outcomes := map[string]string{}
			var names []string
			for line := range strings.Lines(said) {
				name, outcome, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
				names = append(names, name)
				outcomes[name] = outcome
			}
			escapetest.Compare(t, tc.engine, names, func(name string) string { return outcomes[name] })
		})
	}
}

// escapeImage holds the escape suite and gVisor.
func escapeImage(t *testing.T) string {
	clustertest.Require(t)
	runsc, err := filepath.Abs("../../bin/runsc")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(runsc); err != nil {
		t.Fatalf("%v (make build-gvisor)", err)
	}
	return clustertest.Write(t, testcluster.Image{Name: "localhost/escape:1", Entrypoint: []string{"/inpod"}, Files: map[string]string{
		"/inpod":   clustertest.Build(t, "github.com/midwatch/midwatch/sandbox/escapetest/inpod"),
		"/program": escapetest.Build(t),
		"/runsc":   runsc,
	}})
}

// sandboxPod is a pod with no right but what the profile gives.
func sandboxPod(engine string, profile core.SeccompProfile) *core.Pod {
	const user = int64(65532) // as in the chart
	yes, no, id := true, false, user
	return &core.Pod{
		ObjectMeta: meta.ObjectMeta{GenerateName: engine + "-"},
		Spec: core.PodSpec{
			RestartPolicy: core.RestartPolicyNever, AutomountServiceAccountToken: &no,
			SecurityContext: &core.PodSecurityContext{RunAsNonRoot: &yes, RunAsUser: &id, RunAsGroup: &id, SeccompProfile: &profile},
			Containers: []core.Container{{
				Name: "escape", Image: "localhost/escape:1", Args: []string{engine},
				SecurityContext: &core.SecurityContext{
					AllowPrivilegeEscalation: &no, ReadOnlyRootFilesystem: &yes, Capabilities: &core.Capabilities{Drop: []core.Capability{"ALL"}},
				},
				VolumeMounts: []core.VolumeMount{{Name: "tmp", MountPath: "/tmp"}}, // gVisor keeps a step's files there
			}},
			Volumes: []core.Volume{{Name: "tmp", VolumeSource: core.VolumeSource{EmptyDir: &core.EmptyDirVolumeSource{}}}},
		},
	}
}

// runPod runs a pod to its end and returns how it ended and what it said.
func runPod(t *testing.T, c *testcluster.Cluster, namespace string, pod *core.Pod) (core.PodPhase, string) {
	t.Helper()
	pods := c.Client().CoreV1().Pods(namespace)
	clustertest.Eventually(t, "the namespace's account", func(ctx context.Context) error { // without it pods are refused
		_, err := c.Client().CoreV1().ServiceAccounts(namespace).Get(ctx, "default", meta.GetOptions{})
		return err
	})
	pod, err := pods.Create(t.Context(), pod, meta.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	clustertest.Eventually(t, pod.Name+" to end", func(ctx context.Context) error {
		if pod, err = pods.Get(ctx, pod.Name, meta.GetOptions{}); err != nil {
			return err
		}
		if phase := pod.Status.Phase; phase != core.PodSucceeded && phase != core.PodFailed {
			return fmt.Errorf("it is %s: %v", phase, pod.Status.ContainerStatuses)
		}
		return nil
	})
	said, err := pods.GetLogs(pod.Name, &core.PodLogOptions{}).DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return pod.Status.Phase, string(said)
}
