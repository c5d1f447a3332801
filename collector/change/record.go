package change

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"golang.org/x/sys/unix"

	"github.com/midwatch/midwatch/collector/host"
	"github.com/midwatch/midwatch/collector/secret"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// Append writes the change as an event, as docs/telemetry.md says.
func (c Change) Append(logs plog.Logs, id host.Identity) {
	body := fmt.Sprintf("%s runs with other arguments", c.Process.Service)
	switch c.Kind {
	case Executable:
		body = fmt.Sprintf("%s runs another executable: %s instead of %s", c.Process.Service, c.After, c.Before)
	case Configuration:
		body = fmt.Sprintf("%s: its configuration file %s changed", c.Process.Service, filepath.Base(c.File))
	}
	r := appendRecord(logs, id, c.Process, telemetry.EventDeployment, body, plog.SeverityNumberInfo, c.At)
	a := r.Attributes()
	a.PutStr(telemetry.ChangeID, c.id(id))
	a.PutStr(telemetry.ChangeKind, c.Kind)
	a.PutStr(telemetry.ChangeBefore, c.Before)
	a.PutStr(telemetry.ChangeAfter, c.After)
	a.PutStr(telemetry.ChangeDetail, c.Detail)
	if c.File != "" {
		a.PutStr(telemetry.ChangeFile, c.File)
	}
}

// Append writes the event, as docs/telemetry.md says.
func (e Event) Append(logs plog.Logs, id host.Identity) {
	p := e.Process
	var body string
	severity := plog.SeverityNumberInfo
	switch e.Name {
	case telemetry.EventStart:
		body = p.Service + " started"
	case telemetry.EventExit:
		body, severity = e.ending(), plog.SeverityNumberInfo
		if e.Known && (e.Code != 0 || fatal(e.Signal)) {
			severity = plog.SeverityNumberError
		}
	case telemetry.EventOOMKill:
		body, severity = p.Service+" was killed by the kernel for want of memory", plog.SeverityNumberFatal
	}
	a := appendRecord(logs, id, p, e.Name, body, severity, e.At).Attributes()
	a.PutInt(telemetry.ProcessPID, int64(p.PID))
	switch e.Name {
	case telemetry.EventStart:
		a.PutStr(telemetry.ProcessExecPath, p.Exe)
		a.PutStr("process.command_args", strings.Join(secret.Args(p.Args), " "))
	case telemetry.EventExit:
		switch {
		case e.Known && e.Signal != 0:
			a.PutStr(telemetry.ExitSignal, unix.SignalName(e.Signal))
		case e.Known:
			a.PutInt(telemetry.ExitCode, int64(e.Code))
		}
	case telemetry.EventOOMKill:
		a.PutStr(telemetry.OOMCgroup, p.Group.Memory)
		putBytes(a, telemetry.OOMMemory, e.Memory)
		putBytes(a, telemetry.OOMLimit, e.Limit)
	}
}

func (e Event) ending() string {
	switch {
	case !e.Known:
		return e.Process.Service + " ended"
	case e.Signal != 0:
		return fmt.Sprintf("%s was ended by %s", e.Process.Service, unix.SignalName(e.Signal))
	}
	return fmt.Sprintf("%s ended with exit code %d", e.Process.Service, e.Code)
}

func putBytes(a pcommon.Map, name string, n uint64) {
	if n > 0 {
		a.PutInt(name, int64(n)) //nolint:gosec // memory sizes fit
	}
}

func appendRecord(logs plog.Logs, id host.Identity, p *host.Process, event, body string, severity plog.SeverityNumber, at time.Time) plog.LogRecord {
	rl := logs.ResourceLogs().AppendEmpty()
	id.Fill(rl.Resource(), p)
	r := rl.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	r.SetTimestamp(pcommon.NewTimestampFromTime(at))
	r.SetObservedTimestamp(pcommon.NewTimestampFromTime(time.Now()))
	r.SetEventName(event)
	r.Attributes().PutStr(telemetry.EventName, event)
	r.SetSeverityNumber(severity)
	r.Body().SetStr(body)
	return r
}
