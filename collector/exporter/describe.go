package exporter

import (
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/midwatch/midwatch/collector/kube/index"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// sdkName is set by every OpenTelemetry SDK: whoever uses one named the service on purpose.
const sdkName = "telemetry.sdk.name"

// describe adds pod and workload to a resource that names its container, and the node to one that names its machine.
func describe(x *index.Index, resource pcommon.Map) {
	id := text(resource, telemetry.ContainerID)
	if id == "" {
		if host := text(resource, telemetry.HostName); x.IsNode(host) {
			resource.PutStr(telemetry.K8sNode, host)
		}
		return
	}
	p, container, ok := x.Container(id)
	if !ok {
		return
	}
	resource.PutStr(telemetry.K8sNamespace, p.Namespace)
	resource.PutStr(telemetry.K8sPod, p.Name)
	resource.PutStr(telemetry.K8sPodUID, p.UID)
	resource.PutStr(telemetry.K8sNode, p.Node)
	resource.PutStr(telemetry.K8sContainer, container)
	resource.PutStr(telemetry.K8sWorkload, p.Workload.String())
	for key, value := range p.Labels {
		resource.PutStr(telemetry.K8sPodLabel+key, value)
	}
	if text(resource, sdkName) == "" || text(resource, telemetry.ServiceName) == "" {
		resource.PutStr(telemetry.ServiceName, p.Workload.Service())
	}
}
