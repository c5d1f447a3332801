// Package index knows who is who in a cluster: which pod a container belongs to, which workload a pod, who had an address at a moment, what is
// behind a Service, which workloads read a ConfigMap. It is fed with object versions and asked by time, because addresses are given out again
// within seconds and telemetry may be hours old when it is read.
package index
