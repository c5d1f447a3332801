package amqp_test

import (
	"testing"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/amqp"
	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
)

func FuzzParser(f *testing.F) {
	for _, name := range []string{"confirm", "consume", "get", "missing", "nack", "refused", "tx"} {
		var streams [2][]byte
		for _, s := range recorded(f, name) {
			streams[s.Direction] = append(streams[s.Direction], s.Head...)
		}
		f.Add(streams[q], streams[a], uint8(63), uint16(0))
		f.Add(streams[q], streams[a], uint8(20), uint16(9))
	}
	f.Add([]byte(publish(1, "x", "k", mandatory, "m")+declare(2, "a")), []byte(returned(1, "x", "k")+declared(2, "a")+closes(1, 404, "NOT_FOUND")+closes(0, 320, "x")), uint8(30), uint16(0))
	f.Fuzz(func(t *testing.T, request, answer []byte, cut uint8, hole uint16) {
		amqp.Recognize(request)
		amqp.Resumes(request)
		if amqp.Answers(answer) {
			protocoltest.Fuzz(t, request, answer, cut, hole, func(emit func(protocol.Call)) protocol.Parser { return amqp.Join(emit) })
		}
		protocoltest.Fuzz(t, request, answer, cut, hole, func(emit func(protocol.Call)) protocol.Parser { return amqp.New(emit) })
	})
}
