package protocoltest

import (
	"testing"
	"time"

	"github.com/midwatch/midwatch/collector/protocol"
)

// Fuzz gives a parser two streams in pieces of cut bytes, in turns, with a hole after the first piece of each, and
// checks what must hold of every call whatever the bytes are.
func Fuzz(t *testing.T, request, answer []byte, cut uint8, hole uint16, parser func(emit func(protocol.Call)) protocol.Parser) {
	t.Helper()
	start := time.Unix(1000, 0)
	at := start
	p := parser(func(c protocol.Call) {
		if c.Operation == "" || c.Start.Before(start) || c.Start.After(at) || c.Duration < 0 || c.FirstByte < 0 {
			t.Errorf("a call that cannot be: %+v", c)
		}
		if len(c.Error) > protocol.MaxError || len(c.Path) > 1024 || len(c.Query) > 4096 {
			t.Errorf("a call too large: %+v", c)
		}
	})
	size := int(cut)%64 + 1
	for len(request)+len(answer) > 0 {
		for d, b := range []*[]byte{protocol.Request: &request, protocol.Response: &answer} {
			n := min(size, len(*b))
			at = at.Add(time.Microsecond)
			s := protocol.Segment{Direction: protocol.Direction(d), At: at, Size: int64(n) + int64(hole), Head: (*b)[:n]}
			*b = (*b)[n:]
			if !s.Feed(p) {
				return
			}
		}
		hole = 0
	}
	p.Close(at)
}
