package host

import (
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// Identity names the machine in everything it sends.
type Identity struct {
	Host        string // host.name
	Environment string // the cluster or machine
}

// Fill writes the resource attributes of a process.
func (id Identity) Fill(r pcommon.Resource, p *Process) {
	a := r.Attributes()
	a.PutStr(telemetry.ServiceName, p.Service)
	a.PutStr(telemetry.ServiceInstanceID, id.Instance(p))
	id.common(a)
	a.PutInt(telemetry.ProcessPID, int64(p.PID))
	a.PutStr(telemetry.ProcessStart, p.Started.UTC().Format(time.RFC3339Nano))
	a.PutStr(telemetry.ProcessStartTicks, strconv.FormatUint(p.StartTicks, 10))
	a.PutStr(telemetry.ProcessExecName, filepath.Base(p.Exe))
	a.PutStr(telemetry.ProcessExecPath, p.Exe)
	if v := p.Version(); v != "" {
		a.PutStr(telemetry.ServiceVersion, v)
	}
	p.Build.fill(a)
	if p.Group.Container != "" {
		a.PutStr(telemetry.ContainerID, p.Group.Container)
	}
}

// FillHost writes the resource attributes of the machine itself, under the service name given.
func (id Identity) FillHost(r pcommon.Resource, service string) {
	a := r.Attributes()
	a.PutStr(telemetry.ServiceName, service)
	a.PutStr(telemetry.ServiceInstanceID, id.Host)
	id.common(a)
}

// FillService writes the resource attributes of a service as a whole, for what is not about one of its processes.
func (id Identity) FillService(r pcommon.Resource, service, version string) {
	r.Attributes().PutStr(telemetry.ServiceName, service)
	if version != "" {
		r.Attributes().PutStr(telemetry.ServiceVersion, version)
	}
	id.common(r.Attributes())
}

func (id Identity) common(a pcommon.Map) {
	a.PutStr(telemetry.HostName, id.Host)
	a.PutStr(telemetry.Environment, id.Environment)
}

// Instance is the service.instance.id of a process.
func (id Identity) Instance(p *Process) string {
	return fmt.Sprintf("%s/%d/%d", id.Host, p.PID, p.StartTicks)
}
