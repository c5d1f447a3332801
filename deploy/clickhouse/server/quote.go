package server

import (
	"strings"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/midwatch/midwatch/deploy/clickhouse/engine"
)

func identifier(s string) string {
	return "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`").Replace(s) + "`"
}

func literal(s string) string {
	return "'" + strings.NewReplacer("\\", "\\\\", "'", "\\'").Replace(s) + "'"
}

// unescape undoes ClickHouse's backslashes.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
			if k := strings.IndexByte("ntrbf0", s[i]); k >= 0 {
				b = append(b, "\n\t\r\b\f\x00"[k])
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

// parameters come quoted as literals; the engine wants what is inside, in its escaped text form.
func parameters(ps []proto.Parameter) (out []engine.Param) {
	for _, p := range ps {
		v := p.Value
		if n := len(v); n >= 2 && v[0] == '\'' && v[n-1] == '\'' {
			v = unescape(v[1 : n-1])
		}
		out = append(out, engine.Param{Name: p.Key, Value: v})
	}
	return out
}
