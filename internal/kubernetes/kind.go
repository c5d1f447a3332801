package kubernetes

import "strings"

// kinds are the names by which people ask for the kinds that are always watched: plural and short forms, in lower case.
var kinds = map[string]string{
	"pods": "Pod", "po": "Pod",
	"deployments": "Deployment", "deploy": "Deployment",
	"replicasets": "ReplicaSet", "rs": "ReplicaSet",
	"statefulsets": "StatefulSet", "sts": "StatefulSet",
	"daemonsets": "DaemonSet", "ds": "DaemonSet",
	"jobs":     "Job",
	"cronjobs": "CronJob", "cj": "CronJob",
	"services": "Service", "svc": "Service",
	"endpointslices": "EndpointSlice",
	"ingresses":      "Ingress", "ing": "Ingress",
	"gateways": "Gateway", "gtw": "Gateway",
	"httproutes": "HTTPRoute",
	"configmaps": "ConfigMap", "cm": "ConfigMap",
	"horizontalpodautoscalers": "HorizontalPodAutoscaler", "hpa": "HorizontalPodAutoscaler",
	"poddisruptionbudgets": "PodDisruptionBudget", "pdb": "PodDisruptionBudget",
	"persistentvolumeclaims": "PersistentVolumeClaim", "pvc": "PersistentVolumeClaim",
	"persistentvolumes": "PersistentVolume", "pv": "PersistentVolume",
	"nodes": "Node", "no": "Node",
	"namespaces": "Namespace", "ns": "Namespace",
	"networkpolicies": "NetworkPolicy", "netpol": "NetworkPolicy",
	"resourcequotas": "ResourceQuota", "quota": "ResourceQuota",
}

// Kind is the kind that a person's word means: po, pods, pod and Pod are Pod. known is false for a word that is none of those that are
// always watched; it may still be a custom resource's, as written.
func Kind(word string) (kind string, known bool) {
	lower := strings.ToLower(strings.TrimSpace(word))
	if kind, known = kinds[lower]; known {
		return kind, true
	}
	for _, kind := range kinds {
		if strings.ToLower(kind) == lower {
			return kind, true
		}
	}
	return strings.TrimSpace(word), false
}
