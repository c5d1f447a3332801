package conversation

import (
	"net/netip"

	"github.com/midwatch/midwatch/collector/probe"
	"github.com/midwatch/midwatch/collector/protocol"
)

// maxPlaces bounds the transfers of a connection that are remembered for calls which began in them.
const maxPlaces = 64

// Request is which request of which connection a call is, the same at both ends: where its first byte stands. The zero value: that is not known.
type Request struct {
	Client netip.AddrPort // the address of the end that asks: the same at both ends, unless it is translated on the way
	NetNS  uint32         // of the connection, where the address means something in there alone
	First  uint32         // TCP sequence number of the first byte
}

// Known says that it is known which request that is.
func (r Request) Known() bool { return r.Client.IsValid() }

// place is a transfer of requests: where its bytes stand.
type place struct {
	at     int64 // ns since 1970
	before int64 // bytes of requests before it, as the parser counts them
	size   int64
	first  uint32 // sequence number
	known  bool
}

// note remembers where the bytes of a transfer stand that the parser is given.
func (k *conn) note(c *probe.Chunk) {
	if len(k.places) == maxPlaces {
		k.places = append(k.places[:0], k.places[1:]...)
	}
	k.places = append(k.places, place{at: c.Time.UnixNano(), before: k.asked, size: int64(c.Size), first: c.First, known: c.Placed})
	k.asked += int64(c.Size)
}

// answered forgets transfers whose requests were all answered.
func (k *conn) answered() {
	if k.parser != nil && k.parser.Idle() && len(k.places) > 1 {
		k.places = append(k.places[:0], k.places[len(k.places)-1])
	}
}

// request finds out which request a call is.
func (k *conn) request(call protocol.Call) Request {
	if call.Kind == protocol.Delivered { // what was asked is not this
		return Request{}
	}
	offset := call.Offset - 1
	for _, p := range k.places {
		if offset < p.before || offset >= p.before+p.size {
			continue
		}
		client := k.client()
		if !p.known || p.at != call.Start.UnixNano() || !client.IsValid() {
			break
		}
		r := Request{Client: client, First: p.first + uint32(offset-p.before)} //nolint:gosec // sequence numbers wrap
		if client.Addr().IsLoopback() {
			r.NetNS = k.peer.NetNS
		}
		return r
	}
	return Request{}
}

// client is the address of the end that asks.
func (k *conn) client() netip.AddrPort {
	if k.peer.Role == probe.RoleClient {
		return k.peer.Local
	}
	return k.peer.Remote
}
