package helm_test

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/midwatch/midwatch/collector/kube"
)

// workload is what a template starts.
type workload struct {
	name string
	pod  corev1.PodTemplateSpec
	long bool // it serves, rather than ends
}

func workloads(t *testing.T, set string) []workload {
	t.Helper()
	var out []workload
	for _, o := range objects(t, set) {
		switch w := o.(type) {
		case *appsv1.Deployment:
			out = append(out, workload{w.Name, w.Spec.Template, true})
		case *appsv1.StatefulSet:
			out = append(out, workload{w.Name, w.Spec.Template, true})
		case *appsv1.DaemonSet:
			out = append(out, workload{w.Name, w.Spec.Template, true})
		case *batchv1.Job:
			out = append(out, workload{w.Name, w.Spec.Template, false})
		case *batchv1.CronJob:
			out = append(out, workload{w.Name, w.Spec.JobTemplate.Spec.Template, false})
		}
	}
	return out
}

const nodeAgent = "midwatch-node-agent"

func TestContainersAreConfined(t *testing.T) {
	for _, set := range sets(t) {
		for _, w := range workloads(t, set) {
			pod := w.pod.Spec
			if agent := w.name == nodeAgent; agent != pod.HostPID || pod.HostNetwork || pod.HostIPC {
				t.Errorf("%s: %s shares more of its node than it may", set, w.name)
			}
			for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
				s := c.SecurityContext
				if s.Privileged != nil && *s.Privileged || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation {
					t.Errorf("%s: %s may become more", set, w.name)
				}
				if s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem {
					t.Errorf("%s: %s may write its root", set, w.name)
				}
				if !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) {
					t.Errorf("%s: %s keeps capabilities", set, w.name)
				}
				if w.name == nodeAgent {
					continue
				}
				if len(s.Capabilities.Add) > 0 || s.RunAsNonRoot == nil || !*s.RunAsNonRoot || *pod.SecurityContext.RunAsUser == 0 {
					t.Errorf("%s: %s is root, or adds capabilities", set, w.name)
				}
				if profile := pod.SecurityContext.SeccompProfile.Type; profile != corev1.SeccompProfileTypeRuntimeDefault && w.name != "midwatch-worker-sandbox" {
					t.Errorf("%s: %s has seccomp profile %s", set, w.name, profile)
				}
				for _, v := range pod.Volumes {
					if v.HostPath != nil {
						t.Errorf("%s: %s mounts %s of its node", set, w.name, v.HostPath.Path)
					}
				}
			}
		}
	}
}

func TestContainersAreBoundedAndProbed(t *testing.T) {
	for _, set := range sets(t) {
		for _, w := range workloads(t, set) {
			for _, c := range w.pod.Spec.Containers {
				if c.Resources.Requests.Cpu().IsZero() || c.Resources.Requests.Memory().IsZero() || c.Resources.Limits.Memory().IsZero() {
					t.Errorf("%s: %s lacks requests or a limit of memory", set, w.name)
				}
				if w.long && (c.StartupProbe == nil || c.ReadinessProbe == nil || c.LivenessProbe == nil) {
					t.Errorf("%s: %s lacks a probe", set, w.name)
				}
			}
		}
	}
}

// AppArmor is the runtime's business, or its profile is asked for, but for the two that it would keep from their work.
func TestAppArmor(t *testing.T) {
	for _, set := range sets(t) {
		want := ""
		if set == "external" {
			want = string(corev1.AppArmorProfileTypeRuntimeDefault)
		}
		for _, w := range workloads(t, set) {
			got := ""
			if p := w.pod.Spec.SecurityContext; p != nil && p.AppArmorProfile != nil {
				got = string(p.AppArmorProfile.Type)
			}
			switch w.name {
			case nodeAgent:
				if p := w.pod.Spec.Containers[0].SecurityContext.AppArmorProfile; p == nil || p.Type != corev1.AppArmorProfileTypeUnconfined {
					t.Errorf("%s: %s cannot look into other processes: %v", set, w.name, p)
				}
			case "midwatch-worker-sandbox":
				if got != string(corev1.AppArmorProfileTypeUnconfined) {
					t.Errorf("%s: %s cannot mount: %q", set, w.name, got)
				}
			default:
				if got != want {
					t.Errorf("%s: %s has AppArmor profile %q, want %q", set, w.name, got, want)
				}
			}
		}
	}
}

// The sandbox role's profile is put where its pod looks for it, by a container that can write nowhere else.
func TestSandboxProfileIsInstalled(t *testing.T) {
	for _, set := range sets(t) {
		for _, w := range workloads(t, set) {
			if w.name != nodeAgent {
				continue
			}
			init := w.pod.Spec.InitContainers
			if set != "kept" {
				if len(init) > 0 {
					t.Errorf("%s: something is put on nodes", set)
				}
				continue
			}
			if len(init) != 1 || len(init[0].VolumeMounts) != 1 || !slices.Equal(init[0].Args, []string{"sandbox-profile", "/seccomp/sandbox.json"}) {
				t.Fatalf("%s: %+v", set, init)
			}
			for _, v := range w.pod.Spec.Volumes {
				if v.Name == init[0].VolumeMounts[0].Name && v.HostPath.Path != "/var/lib/kubelet/seccomp/midwatch" {
					t.Errorf("%s: the profile goes to %s", set, v.HostPath.Path)
				}
			}
		}
	}
	if _, err := helm(t, "template", "midwatch", "midwatch", "--set", "nodeAgent.enabled=false,workers.sandbox.installProfile=true"); err == nil || !strings.Contains(err.Error(), "installProfile") {
		t.Errorf("nobody puts it there, and nobody says so: %v", err)
	}
}

// What all other pods are to say of AppArmor is not said of the sandbox role's pods: under the runtime's profile no step has walls.
func TestTheSandboxRolesAppArmorIsItsOwn(t *testing.T) {
	for _, own := range []string{"", "Unconfined", "RuntimeDefault"} {
		out, err := helm(t, "template", "midwatch", "midwatch", "--show-only", "templates/investigation.yaml", "--set", "appArmorProfile=RuntimeDefault,workers.sandbox.appArmorProfile="+own)
		if err != nil {
			t.Fatal(err)
		}
		for part := range strings.SplitSeq(out, "\n---\n") {
			if !strings.Contains(part, "kind: Deployment") {
				continue
			}
			want := "RuntimeDefault"
			if strings.Contains(part, "name: midwatch-worker-sandbox\n") {
				want = own
			}
			if _, got, _ := strings.Cut(part, "appArmorProfile: {type: "); want == "" && got != "" || !strings.HasPrefix(got, want) {
				t.Errorf("with %q: %.30q, want %q in\n%.200s", own, got, want, part)
			}
		}
	}
}

// Every pod is chosen by a policy of its own, and by the one that refuses the rest.
func TestNetworkPolicies(t *testing.T) {
	for _, set := range sets(t) {
		if set == "trial" { // which switches them off
			continue
		}
		var policies []*networkingv1.NetworkPolicy
		for _, o := range objects(t, set) {
			if p, ok := o.(*networkingv1.NetworkPolicy); ok {
				policies = append(policies, p)
			}
		}
		for _, w := range workloads(t, set) {
			if got := len(choosing(t, policies, w)); got != 2 {
				t.Errorf("%s: %d policies choose %s, want its own and the one for all", set, got, w.name)
			}
		}
	}
}

func choosing(t *testing.T, policies []*networkingv1.NetworkPolicy, w workload) (out []*networkingv1.NetworkPolicy) {
	t.Helper()
	for _, p := range policies {
		s, err := metav1.LabelSelectorAsSelector(&p.Spec.PodSelector)
		if err != nil {
			t.Fatal(err)
		}
		if s.Matches(labels.Set(w.pod.Labels)) {
			out = append(out, p)
		}
	}
	return out
}

// Only the roles that must may reach what is outside the cluster, and only those that ask the API server for something reach that.
func TestWhoReachesOutside(t *testing.T) {
	want := map[string][]string{"embedded": nil, "remedies": nil, "models": {"midwatch-worker-github", "midwatch-worker-model", "midwatch-worker-notify"}}
	for set, names := range want {
		var got []string
		for _, o := range objects(t, set) {
			if p, ok := o.(*networkingv1.NetworkPolicy); ok && outside(p) {
				got = append(got, p.Name)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, names) {
			t.Errorf("%s: %v may leave, want %v", set, got, names)
		}
	}
}

func outside(p *networkingv1.NetworkPolicy) bool {
	for _, rule := range p.Spec.Egress {
		if len(rule.To) == 0 && !namesOnly(rule.Ports) {
			return true
		}
		for _, peer := range rule.To {
			if b := peer.IPBlock; b != nil && (b.CIDR == "0.0.0.0/0" || strings.HasPrefix(b.CIDR, "203.0.113.")) {
				return true
			}
		}
	}
	return false
}

func namesOnly(ports []networkingv1.NetworkPolicyPort) bool {
	return len(ports) > 0 && !slices.ContainsFunc(ports, func(p networkingv1.NetworkPolicyPort) bool { return p.Port.IntValue() != 53 })
}

// rights are the rules that are bound to a part's account, in all namespaces.
func rights(t *testing.T, set, account string) (rules []rbacv1.PolicyRule) {
	t.Helper()
	all := objects(t, set)
	of := func(ref rbacv1.RoleRef, namespace string) []rbacv1.PolicyRule {
		for _, o := range all {
			switch r := o.(type) {
			case *rbacv1.ClusterRole:
				if ref.Kind == "ClusterRole" && r.Name == ref.Name {
					return r.Rules
				}
			case *rbacv1.Role:
				if ref.Kind == "Role" && r.Name == ref.Name && r.Namespace == namespace {
					return r.Rules
				}
			}
		}
		t.Fatalf("%s: no %s %s", set, ref.Kind, ref.Name)
		return nil
	}
	is := func(subjects []rbacv1.Subject) bool {
		return slices.ContainsFunc(subjects, func(s rbacv1.Subject) bool { return s.Name == account })
	}
	for _, o := range all {
		switch b := o.(type) {
		case *rbacv1.ClusterRoleBinding:
			if is(b.Subjects) {
				rules = append(rules, of(b.RoleRef, "")...)
			}
		case *rbacv1.RoleBinding:
			if is(b.Subjects) {
				rules = append(rules, of(b.RoleRef, b.Namespace)...)
			}
		}
	}
	return rules
}

func TestExporterReadsEverythingButSecrets(t *testing.T) {
	for _, set := range sets(t) {
		rules := rights(t, set, "midwatch-exporter")
		if len(rules) < 5 {
			t.Errorf("%s: the exporter has %d rules", set, len(rules))
		}
		for _, r := range rules {
			core := slices.Contains(r.APIGroups, "") || slices.Contains(r.APIGroups, "*")
			if core && (slices.Contains(r.Resources, "secrets") || slices.Contains(r.Resources, "*")) {
				t.Errorf("%s: the exporter may read Secrets: %v", set, r)
			}
			lease := slices.Equal(r.Resources, []string{"leases"})
			status := slices.Equal(r.APIGroups, []string{"midwatch.dev"}) && !slices.ContainsFunc(r.Resources, func(r string) bool { return !strings.HasSuffix(r, "/status") })
			if changes(r) && !lease && !status {
				t.Errorf("%s: the exporter may change %v", set, r)
			}
		}
		for _, kind := range kube.Kinds() {
			for _, version := range kind {
				if !slices.ContainsFunc(rules, func(r rbacv1.PolicyRule) bool {
					return slices.Contains(r.APIGroups, version.Group) && slices.Contains(r.Resources, version.Name) && slices.Contains(r.Verbs, "watch")
				}) {
					t.Errorf("%s: the exporter may not watch %s of %q", set, version.Name, version.Group)
				}
			}
		}
	}
}

func changes(r rbacv1.PolicyRule) bool {
	return slices.ContainsFunc(r.Verbs, func(v string) bool { return v != "get" && v != "list" && v != "watch" })
}

// Only the apply role may change what is not Midwatch's own, and only where remedies are on.
func TestOnlyApplyMayChange(t *testing.T) {
	for _, set := range sets(t) {
		for _, o := range objects(t, set) {
			a, ok := o.(*corev1.ServiceAccount)
			if !ok {
				continue
			}
			rules := rights(t, set, a.Name)
			switch a.Name {
			case "midwatch-exporter":
			case "midwatch-secrets":
				for _, r := range rules {
					if !slices.Equal(r.Resources, []string{"secrets"}) || len(r.ResourceNames) == 0 && !slices.Equal(r.Verbs, []string{"create"}) {
						t.Errorf("%s: %s may %v", set, a.Name, r)
					}
				}
			case "midwatch-worker-apply":
				if has := len(rules) > 0; has != (set == "remedies") {
					t.Errorf("%s: the apply role has rights: %t", set, has)
				}
			default:
				if len(rules) > 0 {
					t.Errorf("%s: %s has rights %v", set, a.Name, rules)
				}
			}
		}
	}
}

// A token of the API server is in the pods alone that ask it for something.
func TestTokensAreMountedWhereNeeded(t *testing.T) {
	for _, set := range sets(t) {
		for _, w := range workloads(t, set) {
			mounted := w.pod.Spec.AutomountServiceAccountToken
			if mounted == nil {
				t.Errorf("%s: %s says nothing", set, w.name)
				continue
			}
			needed := w.name == "midwatch-exporter" || strings.HasPrefix(w.name, "midwatch-secrets") || set == "remedies" && w.name == "midwatch-worker-apply"
			if *mounted != needed {
				t.Errorf("%s: %s has a token: %t", set, w.name, *mounted)
			}
		}
	}
}

// The key that signs approvals is the api's alone.
func TestApprovalKeyIsTheAPIsAlone(t *testing.T) {
	for _, set := range sets(t) {
		for _, w := range workloads(t, set) {
			for _, v := range w.pod.Spec.Volumes {
				if v.Secret == nil || !strings.HasSuffix(v.Secret.SecretName, "-keys") {
					continue
				}
				if len(v.Secret.Items) == 0 {
					t.Errorf("%s: %s has all keys", set, w.name)
				}
				for _, i := range v.Secret.Items {
					if i.Key == "approval" && w.name != "midwatch-api" {
						t.Errorf("%s: %s has the approval key", set, w.name)
					}
				}
			}
		}
	}
}
