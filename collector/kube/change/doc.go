// Package change tells what two versions of a Kubernetes object mean for whoever runs it: a rollout, a scaling, other configuration, a node taken out
// of service. Pure functions over versions as collector/kube/object makes them.
package change
