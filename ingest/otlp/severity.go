package otlp

import (
	"go.opentelemetry.io/collector/pdata/plog"
)

// severity is the number of a record that has this one, or only a text. Otherwise nobody who asks for errors would see an error that says so in words alone.
func severity(n uint64, text []byte) uint8 {
	if n > uint64(plog.SeverityNumberFatal4) {
		return 0
	}
	if n == 0 && len(text) > 0 {
		return severityOf(text)
	}
	return uint8(n)
}

// longestSeverity is as many bytes as a text may have that says one.
const longestSeverity = 16

// severityOf is the least number of the level that a text names, in whatever case: those of OpenTelemetry's own names, of syslog and of well-known
// libraries. 0: it names none.
func severityOf(text []byte) uint8 {
	if len(text) > longestSeverity {
		return 0
	}
	var upper [longestSeverity]byte
	for i, c := range text {
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		upper[i] = c
	}
	switch string(upper[:len(text)]) {
	case "TRACE", "VERBOSE", "FINEST":
		return uint8(plog.SeverityNumberTrace)
	case "DEBUG", "DBG", "FINE", "FINER":
		return uint8(plog.SeverityNumberDebug)
	case "INFO", "INFORMATION", "INFORMATIONAL", "NOTICE", "LOG":
		return uint8(plog.SeverityNumberInfo)
	case "WARN", "WARNING":
		return uint8(plog.SeverityNumberWarn)
	case "ERROR", "ERR", "SEVERE":
		return uint8(plog.SeverityNumberError)
	case "FATAL", "PANIC", "CRITICAL", "CRIT", "ALERT", "EMERG", "EMERGENCY", "DPANIC":
		return uint8(plog.SeverityNumberFatal)
	}
	return 0
}
