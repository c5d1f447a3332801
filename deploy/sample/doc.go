// Package sample is a small application for a Kubernetes cluster, and the ways to break it that a cluster knows: an out-of-memory kill, a crash loop,
// an image that is not there, a failing probe, a CPU limit, a typing mistake in a ConfigMap, a bad rollout, a node without room.
// Its test plays each on a real cluster that Midwatch watches, and reads the report.
package sample
