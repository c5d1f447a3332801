package http2_test

import (
	"slices"
	"testing"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/http2"
	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
)

func FuzzParser(f *testing.F) {
	c, s := newEnd(), newEnd()
	f.Add(slices.Concat([]byte(start), c.settings(), c.headers(1, true, request("/a", "traceparent", traceparent)...), c.headers(3, false, grpcRequest("/shop.Cart/Get")...), c.data(3, true, []byte("x"))),
		slices.Concat(s.settings(), s.headers(3, false, grpcOK...), s.data(3, false, []byte("x")), s.headers(3, true, "grpc-status", "5", "grpc-message", "a%20b"), s.headers(1, true, ok...)), uint8(63), uint16(0))
	f.Add(slices.Concat(c.headers(5, true, request("/a")...), c.headers(7, true, request("/b")...)),
		slices.Concat(s.say(func() error { return s.WriteGoAway(5, 0, nil) }), s.say(func() error { return s.WriteRSTStream(5, 8) })), uint8(20), uint16(9))
	f.Fuzz(func(t *testing.T, asked, answered []byte, cut uint8, hole uint16) {
		http2.Recognize(asked)
		http2.Resumes(asked)
		protocoltest.Fuzz(t, asked, answered, cut, hole, func(emit func(protocol.Call)) protocol.Parser {
			return http2.New(func(c protocol.Call) {
				if c.RequestBytes <= 0 || c.Path == "" || len(c.Resource) > 1024 || len(c.Status) > 4 {
					t.Errorf("a call that cannot be: %+v", c)
				}
				emit(c)
			})
		})
	})
}
