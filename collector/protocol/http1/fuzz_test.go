package http1_test

import (
	"testing"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/http1"
	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
)

func FuzzParser(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"), []byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), uint8(3), uint16(0))
	f.Add([]byte("POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"), []byte("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 \r\n\r\n"), uint8(1), uint16(9))
	f.Fuzz(func(t *testing.T, request, answer []byte, cut uint8, hole uint16) {
		protocoltest.Fuzz(t, request, answer, cut, hole, func(emit func(protocol.Call)) protocol.Parser { return http1.New(emit) })
	})
}
