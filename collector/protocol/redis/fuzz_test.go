package redis_test

import (
	"testing"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
	"github.com/midwatch/midwatch/collector/protocol/redis"
)

func FuzzParser(f *testing.F) {
	f.Add([]byte(get+set+ping), []byte("$2\r\nab\r\n+OK\r\n-ERR 'x'\r\n"), uint8(7), uint16(0))
	f.Add([]byte(ping+ping), []byte("%1\r\n+a\r\n*2\r\n:1\r\n_\r\n>1\r\n+x\r\n|1\r\n+t\r\n:1\r\n!3\r\nERR\r\n"), uint8(0), uint16(4))
	f.Fuzz(func(t *testing.T, request, answer []byte, cut uint8, hole uint16) {
		protocoltest.Fuzz(t, request, answer, cut, hole, func(emit func(protocol.Call)) protocol.Parser { return redis.New(emit) })
	})
}
