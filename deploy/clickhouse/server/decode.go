package server

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/ClickHouse/ch-go/proto"
)

// Limits on what a client may announce, so that a false length costs no memory.
const (
	maxName     = 64 << 10
	maxValue    = 16 << 20 // of a setting or a parameter
	maxQuery    = 64 << 20 // an INSERT may carry its values
	maxSettings = 1000     // settings, or parameters, of one query
	maxTables   = 1000
	chunk       = 1 << 20
)

var errTooLong = errors.New("longer than allowed")

// decoder reads the packets of clients. After its first error it reads nothing and returns zeros.
// ch-go's reader would do, but it believes every length it is told.
type decoder struct {
	r   *bufio.Reader
	err error
}

func (d *decoder) octet() byte {
	if d.err != nil {
		return 0
	}
	b, err := d.r.ReadByte()
	d.err = err
	return b
}

// number reads an unsigned number of at most most.
func (d *decoder) number(most uint64) int {
	if d.err != nil {
		return 0
	}
	v, err := binary.ReadUvarint(d.r)
	if err == nil && v > most {
		err = fmt.Errorf("number %d: %w: %d", v, errTooLong, most)
	}
	if err != nil {
		d.err = err
		return 0
	}
	return int(v)
}

const anyNumber = 1<<63 - 1

// text reads a string of at most most bytes.
func (d *decoder) text(most uint64) string {
	n := d.number(most)
	if d.err != nil {
		return ""
	}
	var b []byte
	b, d.err = readSteps(d.r, nil, n)
	if d.err != nil {
		return ""
	}
	return string(b)
}

func (d *decoder) skip(n int) {
	if d.err == nil {
		_, d.err = d.r.Discard(n)
	}
}

func decodeHello(r *bufio.Reader) (h proto.ClientHello, err error) {
	d := decoder{r: r}
	if code := d.octet(); d.err == nil && code != byte(proto.ClientCodeHello) {
		return h, fmt.Errorf("packet %d instead of a hello", code)
	}
	h.Name = d.text(maxName)
	h.Major, h.Minor, h.ProtocolVersion = d.number(anyNumber), d.number(anyNumber), d.number(anyNumber)
	h.Database, h.User, h.Password = d.text(maxName), d.text(maxName), d.text(maxName)
	return h, d.err
}

// decodeQuery reads the rest of a Query packet. Only what follows the client's info matters here.
func decodeQuery(r *bufio.Reader, revision int) (q proto.Query, err error) {
	d := decoder{r: r}
	q.ID = d.text(maxName)
	d.clientInfo(revision)
	q.Settings = d.settings()
	q.Secret = d.text(maxName)
	q.Stage, q.Compression = proto.Stage(d.number(anyNumber)), proto.Compression(d.number(anyNumber))
	q.Body = d.text(maxQuery)
	if proto.FeatureParameters.In(revision) {
		for _, p := range d.settings() {
			q.Parameters = append(q.Parameters, proto.Parameter{Key: p.Key, Value: p.Value})
		}
	}
	return q, d.err
}

// clientInfo skips who asks, whose shape depends on the interface the query once came in by.
func (d *decoder) clientInfo(revision int) {
	const none, tcp, http = 0, 1, 2
	if d.octet() == none { // the kind of query
		return
	}
	d.texts(3) // initial user, query id, address
	d.skip(8)  // start time
	by := d.octet()
	switch by {
	case tcp:
		d.texts(3)   // OS user, host, client name
		d.numbers(3) // client version and revision
	case http:
		d.octet()  // method
		d.texts(3) // user agent, forwarded for, referer
	}
	d.texts(1)   // quota key
	d.numbers(1) // distributed depth
	if by == tcp {
		d.numbers(1) // patch
	}
	if d.octet() == 1 { // OpenTelemetry
		d.skip(24)
		d.texts(1)
		d.octet()
	}
	if proto.FeatureParallelReplicas.In(revision) {
		d.numbers(3)
	}
}

func (d *decoder) texts(n int) {
	for range n {
		d.text(maxName)
	}
}

func (d *decoder) numbers(n int) {
	for range n {
		d.number(anyNumber)
	}
}

// settings reads a list that an empty key ends.
func (d *decoder) settings() (out []proto.Setting) {
	const important = 1
	for {
		key := d.text(maxName)
		if key == "" || d.err != nil {
			return out
		}
		if len(out) == maxSettings {
			d.err = fmt.Errorf("settings: %w: %d", errTooLong, maxSettings)
			return nil
		}
		flags := d.number(anyNumber)
		out = append(out, proto.Setting{Key: key, Value: d.text(maxValue), Important: flags&important != 0})
	}
}

// blockInfo skips what stands before a block: fields by number, ended by 0.
func (d *decoder) blockInfo() {
	const end, overflows, bucket = 0, 1, 2
	for d.err == nil {
		switch field := d.number(anyNumber); field {
		case end:
			return
		case overflows:
			d.octet()
		case bucket:
			d.skip(4)
		default:
			d.err = fmt.Errorf("block info has an unknown field %d", field)
		}
	}
}
