// Package kube watches a Kubernetes cluster for the exporter: every version of every watched object becomes a log record in JetStream, with what
// changed and who changed it, exactly once also when the exporter is killed; and the index that tells whose telemetry is whose is kept up to date.
// One of several replicas leads and publishes; all keep the index. docs/kubernetes.md says how it works.
package kube
