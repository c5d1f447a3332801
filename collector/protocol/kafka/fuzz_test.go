package kafka_test

import (
	"testing"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/kafka"
	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
)

func FuzzParser(f *testing.F) {
	one := batch(0, message{"secret", []string{"b3", "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1"}}, message{value: "secret"})
	f.Add([]byte(produce(1, 9, -1, one, "orders")+produce(2, 3, 0, one, "orders", "stock")+heartbeat(3)), []byte(produced(1, 9, 3, "orders")+beat(3, 27)), uint8(7), uint16(0))
	f.Add([]byte(fetch(1, 12, 0, 0, "orders")+fetch(2, 12, 7, 1)), []byte(fetched(1, 12, 0, 7, one, "orders")+fetched(2, 12, 70, 7, nil)), uint8(63), uint16(3))
	f.Add([]byte(metadata(1, "orders")+produce(2, 13, 1, one, "orders")), []byte(described(1, 0, "orders", "stock")+produced(2, 13, 100, "orders")), uint8(40), uint16(0))
	f.Add([]byte(versions(1)+handshake(2, 0)+join(3)), []byte(unsupported(1)+shaken(2, 0)+joined(3, 79)), uint8(63), uint16(0))
	f.Fuzz(func(t *testing.T, request, answer []byte, cut uint8, hole uint16) {
		kafka.Recognize(request)
		kafka.Resumes(request)
		protocoltest.Fuzz(t, request, answer, cut, hole, func(emit func(protocol.Call)) protocol.Parser {
			return kafka.New(kafka.NewTopics(4), func(c protocol.Call) {
				if len(c.Resource) > 249 || c.Messages < 0 || c.RequestBytes <= 0 {
					t.Errorf("a call that cannot be: %+v", c)
				}
				emit(c)
			})
		})
	})
}
