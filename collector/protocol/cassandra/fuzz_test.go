package cassandra_test

import (
	"testing"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/cassandra"
	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
	"github.com/midwatch/midwatch/collector/protocol/template"

	"github.com/apache/cassandra-gocql-driver/v2/lz4"
)

func FuzzParser(f *testing.F) {
	for _, version := range []int{4, 5} {
		for _, c := range record(f, version, lz4.LZ4Compressor{}) {
			var streams [2][]byte
			for _, s := range c {
				if len(streams[s.Direction])+len(s.Head) < 4<<10 {
					streams[s.Direction] = append(streams[s.Direction], s.Head...)
				}
			}
			f.Add(streams[protocol.Request], streams[protocol.Response], uint8(63), uint16(0))
		}
	}
	f.Add([]byte(query(1, "SELECT a FROM t")+prepare(2, "SELECT 1")+execute(3, "0123456789abcdef")), []byte(failure(1, 0x2200, "x 'y'")+prepared(2, "0123456789abcdef")+done(3)), uint8(9), uint16(3))
	sql := template.NewSQL(64)
	f.Fuzz(func(t *testing.T, request, answer []byte, cut uint8, hole uint16) {
		cassandra.Recognize(request)
		cassandra.Resumes(request)
		protocoltest.Fuzz(t, request, answer, cut, hole, func(emit func(protocol.Call)) protocol.Parser {
			return cassandra.New(sql, cassandra.NewPrepared(4), emit)
		})
	})
}
