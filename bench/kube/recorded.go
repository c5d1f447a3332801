package main

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

//go:embed testdata/recorded.json
var testdata embed.FS

type rawJSON = json.RawMessage

// recorded is what the API server of the test cluster told of one Deployment with one pod, which was deleted and replaced: every version, whole.
type recorded struct {
	Pod []struct { // the pod's life
		Type   string  `json:"type"`
		Object rawJSON `json:"object"`
	} `json:"pod"`
	Notes         []rawJSON `json:"notes"` // Events about the pod
	ReplicaSet    []rawJSON `json:"replicaset"`
	Deployment    []rawJSON `json:"deployment"`
	EndpointSlice []rawJSON `json:"endpointslice"`
	Node          rawJSON   `json:"node"`
	Service       rawJSON   `json:"service"`
	ConfigMap     rawJSON   `json:"configmap"`
}

func load() (r recorded, err error) {
	b, err := testdata.ReadFile("testdata/recorded.json")
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(b, &r)
}

// ready is the version of the pod's life in which it serves; from the next on it ends.
const ready = 4

// names of what was recorded, which each copy has its own of.
const (
	podName, podUID       = "web-654f7c6889-7wgk8", "ca0f61d2-a6f2-4c83-860d-a4696de8064e"
	setName, setUID       = "web-654f7c6889", "829e5a50-ace2-4ef2-b0b8-b6d8f48382b0"
	podAddress, nodeName  = "10.99.1.3", "node1"
	nodeAddress           = "10.99.0.1"
	container             = "9a8f979eeb157353355592dd6d285aa9599c4bc9aeff41f9cd7e7070440ecc05"
	deploymentUID         = "12ec4269-c61c-4999-ac48-0ead121be447"
	nodeUID, configMapUID = "cb0677fe-83e4-490d-9fe1-28ecd03e2d3d", "a6a5b7d8-fd11-4ae7-a3e6-01724619ba13"
	sliceUID, serviceUID  = "0a351d64-187f-43b9-aa4e-80571d86ab48", "626c01ad-22cc-4faf-977a-5381e1a712d7"
	podsPerDeployment     = 10
	deploymentsPerProject = 30
)

// render makes a copy of a recorded object: of the pod with a number, of the Deployment it belongs to, at a resource version and time.
func (w *world) render(raw []byte, pod, version int, now time.Time) []byte {
	d := pod % w.deployments
	suffix := fmt.Sprintf("%05x", pod)
	pairs := []string{
		podName, fmt.Sprintf("web-%d-654f7c6889-%s", d, suffix), podUID, uid(1, pod),
		setName, fmt.Sprintf("web-%d-654f7c6889", d), setUID, uid(2, d), sliceUID, uid(3, d), serviceUID, uid(4, d),
		podAddress, address(pod), nodeName, fmt.Sprintf("node-%d", pod%w.nodes), nodeAddress, fmt.Sprintf("10.200.%d.%d", pod%w.nodes/250, pod%w.nodes%250),
		container, fmt.Sprintf("%064x", pod), `"name": "web"`, fmt.Sprintf(`"name": "web-%d"`, d), `"namespace": "default"`, fmt.Sprintf(`"namespace": "project-%d"`, d/deploymentsPerProject),
		"web-wfx22", fmt.Sprintf("web-%d-wfx22", d), `"kubernetes.io/service-name": "web"`, fmt.Sprintf(`"kubernetes.io/service-name": "web-%d"`, d),
		deploymentUID, uid(5, d), nodeUID, uid(6, pod%w.nodes), configMapUID, uid(7, d),
	}
	for i, u := range w.noteUIDs {
		pairs = append(pairs, u, uid(16+i, pod))
	}
	return stamp(strings.NewReplacer(pairs...).Replace(string(raw)), version, now)
}

// uid tells kinds and numbers apart, and is one.
func uid(kind, n int) string { return fmt.Sprintf("%08x-0000-4000-8000-%012x", kind, n) }

// address is given out again after 60,000 pods, as in a cluster.
func address(pod int) string {
	n := pod % 60_000
	return fmt.Sprintf("10.%d.%d.%d", 100+n/62_500, n/250%250, n%250+1)
}
