package eval_test

import (
	"fmt"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/midwatch/midwatch/collector/recording"
	"github.com/midwatch/midwatch/deploy/shop/plan"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// What a new version of the gateway runs as.
const (
	newPID     = "25117"
	newTicks   = "919191"
	newVersion = "77aa2f1e9c03"
)

// released makes a batch of a gateway that runs a new version come from its new process.
func (p shop) released(b recording.Batch) {
	if p.scene.release == 0 || b.At.Before(p.start.Add(p.scene.release)) {
		return
	}
	gateway := p.plan.Programs[plan.Gateway].Name
	move := func(m pcommon.Map) {
		if v, ok := m.Get(telemetry.ServiceName); ok && v.AsString() == gateway {
			p.process(m)
		}
	}
	switch b.Signal {
	case telemetry.Traces:
		for _, r := range b.Traces.ResourceSpans().All() {
			move(r.Resource().Attributes())
		}
	case telemetry.Metrics:
		for _, r := range b.Metrics.ResourceMetrics().All() {
			move(r.Resource().Attributes())
		}
	default:
		for _, r := range b.Logs.ResourceLogs().All() {
			move(r.Resource().Attributes())
		}
	}
}

// process describes the gateway's new process.
func (p shop) process(m pcommon.Map) {
	gateway, host := p.plan.Programs[plan.Gateway], fmt.Sprintf("node%d", p.scene.seed)
	for key, v := range map[string]string{
		telemetry.ServiceName: gateway.Name, telemetry.HostName: host, telemetry.Environment: environment,
		telemetry.ProcessExecName: gateway.Name, telemetry.ProcessExecPath: p.executable(gateway.Next),
		telemetry.ProcessPID: newPID, telemetry.ProcessStartTicks: newTicks, telemetry.ServiceVersion: newVersion,
		telemetry.ServiceInstanceID: host + "/" + newPID + "/" + newTicks,
		telemetry.ProcessStart:      p.start.Add(p.scene.release).Format(time.RFC3339Nano),
	} {
		m.PutStr(key, v)
	}
}

func (p shop) executable(version string) string {
	name := p.plan.Programs[plan.Gateway].Name
	return "/srv/" + p.plan.Postgres.Database + "/services/" + name + "/versions/" + version + "/" + name
}

// releaseEvents are what the node agent says about the release.
func (p shop) releaseEvents() plog.Logs {
	ld := plog.NewLogs()
	r := ld.ResourceLogs().AppendEmpty()
	p.process(r.Resource().Attributes())
	gateway := p.plan.Programs[plan.Gateway]
	records := r.ScopeLogs().AppendEmpty().LogRecords()
	at := pcommon.NewTimestampFromTime(p.start.Add(p.scene.release))
	for name, body := range map[string]string{
		telemetry.EventStart:      gateway.Name + " started",
		telemetry.EventDeployment: gateway.Name + " runs another executable: " + newVersion + " instead of 1f0e5c2b7d64",
	} {
		l := records.AppendEmpty()
		l.SetTimestamp(at)
		l.SetObservedTimestamp(at)
		l.SetEventName(name)
		l.SetSeverityNumber(plog.SeverityNumberInfo)
		l.Body().SetStr(body)
		l.Attributes().PutStr(telemetry.EventName, name)
		l.Attributes().PutStr(telemetry.ProcessPID, newPID)
		if name == telemetry.EventDeployment {
			l.Attributes().PutStr(telemetry.ChangeKind, "executable")
			l.Attributes().PutStr(telemetry.ChangeBefore, "1f0e5c2b7d64")
			l.Attributes().PutStr(telemetry.ChangeAfter, newVersion)
			l.Attributes().PutStr(telemetry.ChangeFile, p.executable(gateway.Next))
		}
	}
	return ld
}

// warnings are lines of the catalog, two a second, that mean nothing.
func (p shop) warnings(end time.Time) plog.Logs {
	ld := plog.NewLogs()
	r := ld.ResourceLogs().AppendEmpty()
	catalog := p.plan.Programs[plan.Catalog].Name
	for key, v := range map[string]string{
		telemetry.ServiceName: catalog, telemetry.HostName: fmt.Sprintf("node%d", p.scene.seed), telemetry.Environment: environment,
	} {
		r.Resource().Attributes().PutStr(key, v)
	}
	records := r.ScopeLogs().AppendEmpty().LogRecords()
	n := 0
	for at := p.start.Add(p.scene.chatter); at.Before(end); at = at.Add(500 * time.Millisecond) {
		n++
		l := records.AppendEmpty()
		l.SetTimestamp(pcommon.NewTimestampFromTime(at))
		l.SetObservedTimestamp(l.Timestamp())
		l.SetSeverityNumber(plog.SeverityNumberWarn)
		l.SetSeverityText("WARN")
		l.Body().SetStr(fmt.Sprintf("price feed lags by %d s, using cached prices", 2+n%5))
	}
	return ld
}
