// Package kubernetes reads what the JSON of a Kubernetes object says: the columns that kubectl shows, why a pod does not run, what a
// workload lacks, how two versions differ. It asks no cluster and needs no client library: unknown fields are ignored and missing ones
// are zero, so that objects of any version can be read. Plain functions without I/O or a clock.
package kubernetes
