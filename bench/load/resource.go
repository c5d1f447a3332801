package load

import (
	"fmt"
	"math/rand/v2"
)

// pods are the instances of each service.
const pods = 3

// resources are the resources of all pods, encoded: the attributes of a Resource message.
type resources [Services][pods]message

// newResources encodes them: 12 attributes each.
func newResources() *resources {
	var all resources
	for service := range Services {
		for pod := range pods {
			all[service][pod] = resource(service, pod)
		}
	}
	return &all
}

func resource(service, pod int) (m message) {
	r := rand.New(rand.NewPCG(uint64(service), uint64(pod))) //nolint:gosec // not negative
	name, node := services[service], fmt.Sprintf("node-%d", (service+pod)%8)
	for _, a := range [...][2]string{
		{"service.name", name},
		{"service.version", fmt.Sprintf("1.%d.3", service)},
		{"deployment.environment.name", Environment},
		{"k8s.cluster.name", "eu-1"},
		{"k8s.namespace.name", [...]string{"shop", "core", "data"}[service%3]},
		{"k8s.deployment.name", name},
		{"k8s.pod.name", fmt.Sprintf("%s-%s-%s", name, appendHex(nil, r, 10), appendHex(nil, r, 6))},
		{"k8s.pod.uid", string(appendHex(nil, r, 32))},
		{"k8s.node.name", node},
		{"k8s.container.name", "app"},
		{"host.name", node},
		{"telemetry.sdk.language", "go"},
	} {
		m.textValue(1, a[0], a[1])
	}
	return m
}

// Environment is what every record's resource names.
const Environment = "production"

// busy draws a service, an early one more often.
func busy(r *rand.Rand) int { return int(float64(Services) * r.Float64() * r.Float64()) }
