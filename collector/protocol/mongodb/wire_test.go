package mongodb_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/mongodb"
)

// Flags of OP_MSG.
const (
	none       = 0
	checksum   = 1
	moreToCome = 2
)

func le(n ...int32) (b []byte) {
	for _, n := range n {
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	return b
}

// packet is a message with a head.
func packet(id, to, op int32, body ...[]byte) []byte {
	b := bytes.Join(body, nil)
	return append(le(int32(16+len(b)), id, to, op), b...)
}

func document(d bson.D) []byte {
	b, err := bson.Marshal(d)
	if err != nil {
		panic(err)
	}
	return b
}

// sections is the body of OP_MSG: one document, and of a sequence's name documents perhaps.
func sections(flags int32, d bson.D, name string, listed ...bson.D) []byte {
	b := append(append(le(flags), 0), document(d)...)
	if name != "" {
		s := append([]byte(name), 0)
		for _, d := range listed {
			s = append(s, document(d)...)
		}
		b = append(append(append(b, 1), le(int32(4+len(s)))...), s...)
	}
	if flags&checksum != 0 {
		b = append(b, 1, 2, 3, 4)
	}
	return b
}

func ask(id int32, d bson.D) []byte { return packet(id, 0, 2013, sections(none, d, "")) }

func reply(to int32, d bson.D) []byte { return packet(900+to, to, 2013, sections(none, d, "")) }

// query is OP_QUERY.
func query(id int32, collection string, d bson.D) []byte {
	return packet(id, 0, 2004, le(0), []byte(collection+"\x00"), le(0, -1), document(d))
}

// oldReply is OP_REPLY.
func oldReply(to, flags int32, d bson.D) []byte {
	return packet(900+to, to, 1, le(flags, 0, 0, 0, 1), document(d))
}

// compressed is OP_COMPRESSED.
func compressed(compressor byte, message []byte) []byte {
	head, body := message[:16], message[16:]
	var out bytes.Buffer
	switch compressor {
	case 1:
		out.Write(snappy.Encode(nil, body))
	case 2:
		w := zlib.NewWriter(&out)
		_, _ = w.Write(body)
		_ = w.Close()
	case 3:
		w, _ := zstd.NewWriter(&out)
		_, _ = w.Write(body)
		_ = w.Close()
	}
	i32 := func(at int) int32 { return int32(binary.LittleEndian.Uint32(head[at:])) }
	return packet(i32(4), i32(8), 2012, le(i32(12), int32(len(body))), []byte{compressor}, out.Bytes())
}

// said is who said what, a millisecond after each other.
type said []protocol.Segment

func (s said) client(b ...[]byte) said { return s.add(protocol.Request, b) }
func (s said) server(b ...[]byte) said { return s.add(protocol.Response, b) }

func (s said) add(d protocol.Direction, all [][]byte) said {
	b := bytes.Join(all, nil)
	return append(s, protocol.Segment{Direction: d, At: s.now(), Size: int64(len(b)), Head: b})
}

// cut is a transfer of which only the first bytes and the last were copied.
func (s said) cut(d protocol.Direction, b []byte, head, tail int) said {
	return append(s, protocol.Segment{Direction: d, At: s.now(), Size: int64(len(b)), Head: b[:head], Tail: b[len(b)-tail:]})
}

func (s said) now() time.Time { return time.Unix(1000, int64(len(s))*int64(time.Millisecond)) }

func (s said) calls() (all []string) {
	p := mongodb.New(func(c protocol.Call) { all = append(all, line(c)) })
	for _, segment := range s {
		if segment.Direction == protocol.Response && p.Idle() {
			continue
		}
		if !segment.Feed(p) {
			return append(all, "given up")
		}
	}
	p.Close(s.now())
	return all
}

// line is what matters of a call.
func line(c protocol.Call) string {
	return strings.Join(strings.Fields(fmt.Sprintf("%s.%s %s %s %s %s", c.Namespace, c.Resource, c.Query, c.Status, c.ErrorType, c.Error)), " ")
}
