package object

import "strings"

// noisyAnnotations are rewritten by machines on every heartbeat, or repeat the object.
var noisyAnnotations = map[string]bool{
	"kubectl.kubernetes.io/last-applied-configuration":       true,
	"control-plane.alpha.kubernetes.io/leader":               true,
	"endpoints.kubernetes.io/last-change-trigger-time":       true,
	"cluster-autoscaler.kubernetes.io/last-updated":          true,
	"autoscaling.alpha.kubernetes.io/current-metrics":        true,
	"autoscaling.alpha.kubernetes.io/conditions":             true,
	"deprecated.daemonset.template.generation":               true,
	"holder-identity.leaderelection.kubernetes.io/renewTime": true,
}

// Normalize removes, in place, what changes without meaning anything and what the record of a version says beside the object. Read Actor and
// Touched before.
func Normalize(o Object) {
	meta := o.Metadata()
	delete(meta, "managedFields")
	delete(meta, "resourceVersion")
	delete(meta, "selfLink")
	if a := meta.Map("annotations"); len(a) > 0 {
		for key := range a {
			if noisyAnnotations[key] || strings.HasSuffix(key, "leader-election-record") {
				delete(a, key)
			}
		}
		if len(a) == 0 {
			delete(meta, "annotations")
		}
	}
	switch o.Kind() {
	case "Node":
		status := o.Map("status")
		delete(status, "images") // what it has pulled, kilobytes of it
		for _, c := range status.Items("conditions") {
			delete(c, "lastHeartbeatTime")
		}
	case "Pod":
		for _, c := range o.Map("status").Items("conditions") {
			delete(c, "lastProbeTime")
		}
	}
}

// volatile says of a path that its value is a measurement: kept, but no reason to keep another version.
func volatile(kind, path string) bool {
	return kind == "HorizontalPodAutoscaler" && strings.HasPrefix(path, "/status/currentMetrics")
}
