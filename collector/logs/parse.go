package logs

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
)

const (
	maxFields = 32   // kept of one line
	maxValue  = 1024 // bytes kept of one field
	// minPairs is how many key=value pairs make a line logfmt; fewer are prose with an equals sign in it.
	minPairs = 2
)

// field is one key and value of a structured line.
type field struct{ key, value string }

// parsed is what can be read from a line.
type parsed struct {
	time  time.Time // zero when the line has none
	level string    // upper case, "" when the line has none
	rest  []field
}

var (
	levelKeys = []string{"level", "severity", "lvl", "loglevel", "log.level", "@level"}
	timeKeys  = []string{"time", "ts", "timestamp", "@timestamp", "date"}
)

// parse reads a line as JSON, as logfmt or as prose, whichever fits.
func parse(line string) parsed {
	first, _, _ := strings.Cut(line, "\n")
	if strings.HasPrefix(first, "{") {
		if p, ok := parseJSON(line); ok {
			return p
		}
	}
	if pairs := parseLogfmt(first); len(pairs) >= minPairs {
		p := assign(pairs)
		if p.level == "" || p.time.IsZero() {
			p.prose(first)
		}
		return p
	}
	var p parsed
	p.prose(first)
	return p
}

func parseJSON(line string) (parsed, bool) {
	var object map[string]any
	if json.Unmarshal([]byte(line), &object) != nil {
		return parsed{}, false
	}
	var pairs []field
	flatten("", object, &pairs)
	return assign(pairs), true
}

// flatten goes one level down: deeper objects stay JSON.
func flatten(prefix string, object map[string]any, into *[]field) {
	for _, k := range slices.Sorted(maps.Keys(object)) {
		switch v := object[k].(type) {
		case nil:
		case string:
			*into = append(*into, field{prefix + k, v})
		case float64:
			*into = append(*into, field{prefix + k, strconv.FormatFloat(v, 'f', -1, 64)})
		case bool:
			*into = append(*into, field{prefix + k, strconv.FormatBool(v)})
		case map[string]any:
			if prefix == "" {
				flatten(k+".", v, into)
				continue
			}
			*into = appendJSON(*into, prefix+k, v)
		default:
			*into = appendJSON(*into, prefix+k, v)
		}
	}
}

func appendJSON(into []field, key string, v any) []field {
	b, err := json.Marshal(v)
	if err != nil {
		return into
	}
	return append(into, field{key, string(b)})
}

// assign sorts out time and level.
func assign(pairs []field) parsed {
	var p parsed
	for _, f := range pairs {
		switch {
		case p.level == "" && slices.Contains(levelKeys, strings.ToLower(f.key)):
			p.level = levelOf(f.value)
		case p.time.IsZero() && slices.Contains(timeKeys, strings.ToLower(f.key)):
			p.time = timeOf(f.value)
		case len(p.rest) < maxFields:
			p.rest = append(p.rest, field{clipTo(f.key, 128), strings.ToValidUTF8(clipTo(f.value, maxValue), "")})
		}
	}
	return p
}

// parseLogfmt reads key=value and key="quoted value"; words without a value are passed over.
func parseLogfmt(line string) []field {
	var out []field
	for line = strings.TrimLeft(line, " "); line != "" && len(out) < 2*maxFields; line = strings.TrimLeft(line, " ") {
		key, rest := cutKey(line)
		if key == "" {
			_, line, _ = strings.Cut(line, " ")
			continue
		}
		var value string
		if strings.HasPrefix(rest, `"`) {
			quoted, err := strconv.QuotedPrefix(rest)
			if err != nil {
				return out
			}
			value, _ = strconv.Unquote(quoted)
			line = rest[len(quoted):]
		} else {
			value, line, _ = strings.Cut(rest, " ")
		}
		out = append(out, field{key, value})
	}
	return out
}

// cutKey returns the key that line starts with and what follows its "=", or "" if it starts with none.
func cutKey(line string) (key, rest string) {
	for i := range len(line) {
		c := line[i]
		switch {
		case c == '=' && i > 0:
			return line[:i], line[i+1:]
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '.', c == '-', c == '@':
		default:
			return "", line
		}
	}
	return "", line
}

var (
	// wordLevel is a level as a word of its own near the start of a line.
	wordLevel = regexp.MustCompile(`\b(TRACE|DEBUG|INFO|NOTICE|LOG|WARN|WARNING|ERROR|ERR|FATAL|PANIC|CRITICAL|CRIT|ALERT|EMERG)\b`)
	anyCase   = regexp.MustCompile(`(?i)[\[<(|]\s*(trace|debug|info|notice|warn|warning|error|err|fatal|panic|critical|crit|alert|emerg)\s*[\])>|]|\b(warning|error|fatal|panic):`)
	glog      = regexp.MustCompile(`^([IWEF])\d{4} \d\d:\d\d:\d\d`)
	syslog    = regexp.MustCompile(`^<(\d{1,3})>`)
	redis     = regexp.MustCompile(`^\d+:[A-Z] \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d\.\d{3} ([.\-*#]) `)
	stamped   = regexp.MustCompile(`^\[?(\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?)`)
)

// levelWindow is how far into a line its level stands.
const levelWindow = 160

// prose fills in what the free text of a line tells.
func (p *parsed) prose(line string) {
	if p.time.IsZero() {
		if m := stamped.FindStringSubmatch(line); m != nil {
			p.time = timeOf(m[1])
		}
	}
	if p.level != "" {
		return
	}
	start := clipTo(line, levelWindow)
	switch {
	case strings.HasPrefix(line, "panic: "), strings.HasPrefix(line, "fatal error: "):
		p.level = "FATAL"
	case strings.HasPrefix(line, "Traceback (most recent"), strings.HasPrefix(line, "Exception in thread"):
		p.level = "ERROR"
	default:
		p.level = levelIn(start)
	}
}

func levelIn(start string) string {
	if m := glog.FindStringSubmatch(start); m != nil {
		return map[string]string{"I": "INFO", "W": "WARN", "E": "ERROR", "F": "FATAL"}[m[1]]
	}
	if m := syslog.FindStringSubmatch(start); m != nil {
		n, _ := strconv.Atoi(m[1])
		return priority(n % 8)
	}
	if m := redis.FindStringSubmatch(start); m != nil {
		return map[string]string{".": "DEBUG", "-": "INFO", "*": "INFO", "#": "WARN"}[m[1]]
	}
	if m := wordLevel.FindString(start); m != "" {
		return levelOf(m)
	}
	if m := anyCase.FindStringSubmatch(start); m != nil {
		return levelOf(m[1] + m[2])
	}
	return ""
}

// priority is a syslog priority as a level.
func priority(n int) string {
	switch {
	case n <= 2:
		return "FATAL"
	case n == 3:
		return "ERROR"
	case n == 4:
		return "WARN"
	case n <= 6:
		return "INFO"
	}
	return "DEBUG"
}

// levelOf brings the many names of levels down to six; "" for what is no level.
func levelOf(s string) string {
	switch strings.ToUpper(strings.TrimSpace(s)) {
	case "TRACE", "10":
		return "TRACE"
	case "DEBUG", "DBG", "20":
		return "DEBUG"
	case "INFO", "INFORMATION", "NOTICE", "LOG", "STATEMENT", "DETAIL", "HINT", "30":
		return "INFO"
	case "WARN", "WARNING", "40":
		return "WARN"
	case "ERROR", "ERR", "50":
		return "ERROR"
	case "FATAL", "PANIC", "CRITICAL", "CRIT", "ALERT", "EMERG", "EMERGENCY", "DPANIC", "60":
		return "FATAL"
	}
	return ""
}

func severityOf(level string) plog.SeverityNumber {
	return map[string]plog.SeverityNumber{
		"TRACE": plog.SeverityNumberTrace, "DEBUG": plog.SeverityNumberDebug, "INFO": plog.SeverityNumberInfo,
		"WARN": plog.SeverityNumberWarn, "ERROR": plog.SeverityNumberError, "FATAL": plog.SeverityNumberFatal,
	}[level]
}

// timeOf reads RFC 3339 and its relatives, and seconds, milliseconds, microseconds or nanoseconds since 1970. Without a zone it is local.
func timeOf(s string) time.Time {
	s = strings.Replace(s, ",", ".", 1)
	for _, layout := range []string{
		time.RFC3339Nano, "2006-01-02T15:04:05Z0700", "2006-01-02 15:04:05 MST", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 -0700",
		"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006/01/02 15:04:05",
	} {
		if at, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return at
		}
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || n <= 0 {
		return time.Time{}
	}
	for n > 1e11 { // later than the year 5000 in seconds: a smaller unit
		n /= 1000
	}
	return time.Unix(0, int64(n*1e9))
}
