package amqp_test

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/amqp"
	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
)

// traced is the traceparent of every message that was recorded.
const traced = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// epoch is when the first transfer of a test comes; each further one comes a millisecond after the one before.
var epoch = time.Unix(1000, 0)

func moment(i int) time.Time { return epoch.Add(time.Duration(i) * time.Millisecond) }

// describe writes a call as "kind operation resource status error type #messages bytes of both directions @first turn-last turn", without what is empty.
func describe(c protocol.Call) string {
	s := []string{map[protocol.Kind]string{protocol.Asked: "asked", protocol.Sent: "sent", protocol.Delivered: "delivered"}[c.Kind], c.Operation}
	for _, field := range []string{c.Resource, c.Status, c.ErrorType} {
		if field != "" {
			s = append(s, field)
		}
	}
	if c.Messages > 0 {
		s = append(s, "#"+strconv.Itoa(c.Messages))
	}
	start := c.Start.Sub(epoch) / time.Millisecond
	return fmt.Sprintf("%s %d/%d @%d-%d", strings.Join(s, " "), c.RequestBytes, c.ResponseBytes, start, start+c.Duration/time.Millisecond)
}

// recorded reads what amqp091-go 1.10.0 and RabbitMQ 3.10.8 told each other. A line is a transfer: its direction, the bytes that would be kept of its beginning, and
// where that is not all how many are missing, and its end.
func recorded(t testing.TB, name string) (c protocoltest.Conversation) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		f := append(strings.Fields(line), "0", "")
		s := protocol.Segment{Direction: protocol.Request, At: moment(len(c))}
		if f[0] == "<" {
			s.Direction = protocol.Response
		}
		missing, err := strconv.ParseInt(f[2], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		for into, from := range map[*[]byte]string{&s.Head: f[1], &s.Tail: f[3]} {
			if *into, err = hex.DecodeString(from); err != nil {
				t.Fatal(err)
			}
		}
		s.Size = int64(len(s.Head)+len(s.Tail)) + missing
		c = append(c, s)
	}
	return c
}

func timeless(calls []string) {
	for i, c := range calls {
		calls[i], _, _ = strings.Cut(c, " @")
	}
}

func TestSessions(t *testing.T) {
	for name, want := range map[string][]string{
		"confirm": {
			"asked connection.open 16/13 @5-6",
			"asked channel.open 13/16 @7-8",
			"asked queue.declare orders.? 28/29 @9-10",
			"asked confirm.select 13/12 @11-12",
			"sent publish orders.? #1 189/21 @13-16",
			"sent publish orders.? #1 189/0 @14-17",
			"sent publish orders.? #1 189/21 @15-17",
			"sent publish amq.direct 312 NO_ROUTE #1 198/206 @18-19",
			"asked channel.close 19/12 @20-21",
			"asked connection.close 26/12 @22-23",
		},
		"consume": {
			"asked connection.open 16/13 @5-6",
			"asked channel.open 13/16 @7-8",
			"asked queue.declare amq.gen-? 20/51 @11-12",
			"asked queue.bind amq.gen-? 62/12 @13-14",
			"asked consume amq.gen-? 66/58 @15-16",
			"sent publish amq.topic #1 191/0 @17-17",
			"delivered deliver amq.gen-? #1 0/243 @18-18",
			"sent publish amq.topic #1 191/0 @20-20",
			"delivered deliver amq.gen-? #1 0/243 @21-21",
			"asked connection.close 26/12 @23-24",
		},
		"get": {
			"asked connection.open 16/13 @5-6",
			"asked channel.open 13/16 @7-8",
			"asked queue.declare orders.? 28/29 @9-10",
			"asked get orders.? #1 24/199 @11-12",
			"asked queue.purge orders.? 24/16 @13-14",
			"asked get orders.? 24/13 @15-16",
			"asked connection.close 26/12 @17-18",
		},
		"large": {
			"asked connection.open 16/13 @5-6",
			"asked channel.open 13/16 @7-8",
			"asked queue.declare large 25/26 @9-10",
			"asked consume large 28/15 @11-12",
			"asked confirm.select 13/12 @13-14",
			"delivered deliver large #1 0/12470 @18-20",
			"sent publish large #1 12461/21 @15-20",
			"asked cancel large 16/15 @21-22",
			"asked connection.close 26/12 @23-24",
		},
		"missing": {
			"asked connection.open 16/13 @5-6",
			"asked channel.open 13/16 @7-8",
			"asked queue.declare gone.? 404 NOT_FOUND 26/61 @9-10",
			"asked channel.open 13/16 @12-13",
			"sent publish no-exchange #1 193/0 @14-14",
			"asked channel.close 404 NOT_FOUND 0/69 @15-15",
			"asked channel.open 13/16 @17-18",
			"asked confirm.select 13/12 @19-20",
			"sent publish no-exchange 404 NOT_FOUND #1 193/69 @21-22",
			"asked connection.close 26/12 @24-25",
		},
		"nack": {
			"asked connection.open 16/13 @5-6",
			"asked channel.open 13/16 @7-8",
			"asked queue.declare full 72/25 @9-10",
			"asked confirm.select 13/12 @11-12",
			"sent publish full #1 185/21 @13-14",
			"sent publish full NACK #1 185/21 @15-16",
			"sent publish full NACK #1 185/21 @17-18",
			"asked connection.close 26/12 @19-20",
		},
		"refused": {
			"asked login connection_closed 154/0 @2-2",
		},
		"tx": {
			"asked connection.open 16/13 @5-6",
			"asked channel.open 13/16 @7-8",
			"asked exchange.declare events 33/12 @9-10",
			"asked exchange.declare copies 33/12 @11-12",
			"asked exchange.bind copies 35/12 @13-14",
			"asked queue.declare audit 25/0 @15-15",
			"asked queue.bind audit 33/12 @16-17",
			"asked tx.select 12/12 @18-19",
			"sent publish events #1 187/0 @20-20",
			"asked tx.commit 12/12 @21-22",
			"sent publish events #1 187/0 @23-23",
			"asked tx.rollback 12/12 @24-25",
			"asked queue.unbind audit 32/12 @26-27",
			"asked exchange.unbind copies 35/12 @28-29",
			"asked queue.delete audit 21/16 @30-31",
			"asked exchange.delete copies 22/12 @32-33",
			"asked connection.close 26/12 @34-35",
		},
	} {
		t.Run(name, func(t *testing.T) {
			for cut, c := range recorded(t, name).Recut() {
				var got []string
				c.Feed(amqp.New(func(c protocol.Call) {
					got = append(got, describe(c))
					messages := c.Messages > 0
					if messages && c.TraceParent != traced || !messages && c.TraceParent != "" || c.Namespace != "/" && c.Operation != "login" {
						t.Errorf("%s: trace %q, namespace %q", describe(c), c.TraceParent, c.Namespace)
					}
				}))
				expected := slices.Clone(want)
				if cut == "turn by turn" { // which makes requests begin with those before them
					timeless(expected)
					timeless(got)
				}
				if diff := cmp.Diff(expected, got); diff != "" {
					t.Errorf("%s: calls (-want +got):\n%s", cut, diff)
				}
			}
		})
	}
}
