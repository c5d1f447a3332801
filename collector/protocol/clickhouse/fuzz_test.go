package clickhouse_test

import (
	"testing"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/clickhouse"
	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

func FuzzParser(f *testing.F) {
	f.Add([]byte(hello+added+ping+query("SELECT a FROM t")), []byte(greeting+pong+progress+end), uint8(63), uint16(0))
	f.Add([]byte(query("USE x")+query("SELECT a FROM t")), []byte(data("String", "\x01x")+exception(60, "x 'y'")), uint8(50), uint16(3))
	sql := template.NewSQL(64)
	f.Fuzz(func(t *testing.T, request, answer []byte, cut uint8, hole uint16) {
		clickhouse.Recognize(request)
		clickhouse.Resumes(request)
		protocoltest.Fuzz(t, request, answer, cut, hole, func(emit func(protocol.Call)) protocol.Parser { return clickhouse.New(sql, emit) })
	})
}
