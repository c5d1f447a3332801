package postgres_test

import (
	"testing"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/postgres"
	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

func FuzzParser(f *testing.F) {
	f.Add([]byte(query("SELECT 1")+query("x")), []byte(done("SELECT 1")+failure("42601", "no")+ready), uint8(7), uint16(0))
	f.Add([]byte(parse("s", "SELECT $1")+sync+bind("s")+execute+sync), []byte("1\x00\x00\x00\x04"+ready+"2\x00\x00\x00\x04"+done("SELECT 1")+ready), uint8(40), uint16(3))
	f.Add([]byte("\x00\x00\x00\x08\x04\xd2\x16\x2f\x00\x00\x00\x17\x00\x03\x00\x00user\x00shop\x00\x00"), []byte("N"+ready), uint8(63), uint16(0))
	f.Fuzz(func(t *testing.T, request, answer []byte, cut uint8, hole uint16) {
		protocoltest.Fuzz(t, request, answer, cut, hole, func(emit func(protocol.Call)) protocol.Parser {
			return postgres.New(template.NewSQL(16), emit)
		})
	})
}
