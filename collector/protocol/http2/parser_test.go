package http2_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	xhttp2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/http2"
	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
)

// end writes frames of one end, with a header table that goes on from block to block.
type end struct {
	*xhttp2.Framer
	frames, block bytes.Buffer
	table         *hpack.Encoder
}

func newEnd() *end {
	e := &end{}
	e.Framer, e.table = xhttp2.NewFramer(&e.frames, nil), hpack.NewEncoder(&e.block)
	e.AllowIllegalWrites = true
	return e
}

// fields compresses a header block of names and values in turn.
func (e *end) fields(kv ...string) []byte {
	e.block.Reset()
	for i := 0; i < len(kv); i += 2 {
		_ = e.table.WriteField(hpack.HeaderField{Name: kv[i], Value: kv[i+1]})
	}
	return bytes.Clone(e.block.Bytes())
}

// headers is a HEADERS frame.
func (e *end) headers(stream uint32, over bool, kv ...string) []byte {
	return e.say(func() error {
		return e.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: stream, BlockFragment: e.fields(kv...), EndStream: over, EndHeaders: true})
	})
}

func (e *end) data(stream uint32, over bool, b []byte) []byte {
	return e.say(func() error { return e.WriteData(stream, over, b) })
}

// say returns the bytes of the frames that write writes.
func (e *end) say(write func() error) []byte {
	e.frames.Reset()
	if err := write(); err != nil {
		panic(err)
	}
	return bytes.Clone(e.frames.Bytes())
}

// settings is how both ends begin.
func (e *end) settings() []byte { return e.say(func() error { return e.WriteSettings() }) }

// said is who said what, turn by turn.
type said []protocol.Segment

func (s said) ask(frames ...[]byte) said    { return s.whole(protocol.Request, frames) }
func (s said) answer(frames ...[]byte) said { return s.whole(protocol.Response, frames) }

func (s said) whole(d protocol.Direction, frames [][]byte) said {
	b := bytes.Join(frames, nil)
	return append(s, protocol.Segment{Direction: d, At: s.next(), Size: int64(len(b)), Head: b})
}

// part is a transfer of which only the first bytes and the last were copied.
func (s said) part(d protocol.Direction, b []byte, head, tail int) said {
	return append(s, protocol.Segment{Direction: d, At: s.next(), Size: int64(len(b)), Head: b[:head], Tail: b[len(b)-tail:]})
}

func (s said) next() time.Time { return time.Unix(1000, int64(len(s))*int64(time.Millisecond)) }

// askAll asks for the same on several streams.
func (s said) askAll(c *end, streams ...uint32) said {
	for _, id := range streams {
		s = s.ask(c.headers(id, true, grpcRequest("/shop.Cart/Get")...))
	}
	return s
}

// hidden is a transfer of an answer's body with other frames in its middle, of which those and the last frame's head are not copied.
func (e *end) hidden(stream uint32, frames func() []byte) []byte {
	return bytes.Join([][]byte{e.headers(stream, false, grpcOK...), e.data(stream, false, make([]byte, 5000)), frames(), e.data(stream, false, make([]byte, 200))}, nil)
}

// closed are the lines of a conversation that is closed after what was said.
func (s said) closed() (all []string) {
	p := http2.New(func(c protocol.Call) { all = append(all, line(c)) })
	for _, segment := range s {
		if !segment.Feed(p) {
			return append(all, "given up")
		}
	}
	p.Close(s.next())
	return all
}

const start = xhttp2.ClientPreface

func request(path string, more ...string) []string {
	return append([]string{":method", "POST", ":scheme", "http", ":authority", "shop", ":path", path}, more...)
}

func grpcRequest(path string) []string { return request(path, "content-type", "application/grpc") }

var (
	ok      = []string{":status", "200"}
	grpcOK  = []string{":status", "200", "content-type", "application/grpc"}
	status0 = []string{"grpc-status", "0"}
)

func TestParser(t *testing.T) {
	const broken = "connection_closed the connection was closed before the answer was complete"
	const unknown = "grpc Get|shop.Cart|/shop.Cart/Get shop.Cart/Get" // a status that is not known
	for name, c := range map[string]struct {
		say  func(c, s *end) said
		want []string
	}{
		"answers come in another order": {func(c, s *end) said {
			return said{}.ask([]byte(start), c.settings(), c.headers(1, true, request("/a")...), c.headers(3, true, request("/b")...)).
				answer(s.settings(), s.headers(3, true, ok...), s.headers(1, true, ":status", "404"))
		}, []string{"http POST|/b|/b  200", "http POST|/a|/a  404"}},
		"an answer that is read before its request": {func(c, s *end) said {
			asked := c.headers(1, true, request("/a")...)
			return said{}.ask([]byte(start), c.settings()).answer(s.settings(), s.headers(1, true, ok...)).ask(asked)
		}, nil}, // an answer cannot begin before what it answers: that was the end of something else
		"headers over three frames, padded, with a priority": {func(c, s *end) said {
			block := c.fields(request("/a", "x-long", "0123456789")...)
			asked := c.say(func() error {
				_ = c.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: block[:5], PadLength: 7, Priority: xhttp2.PriorityParam{StreamDep: 0, Weight: 3}, EndStream: true})
				_ = c.WriteContinuation(1, false, block[5:9])
				return c.WriteContinuation(1, true, block[9:])
			})
			return said{}.ask([]byte(start), c.settings(), asked).answer(s.headers(1, false, ok...), s.data(1, true, []byte("x")))
		}, []string{"http POST|/a|/a  200"}},
		"something between the frames of headers": {func(c, s *end) said {
			block := c.fields(request("/a")...)
			asked := c.say(func() error {
				_ = c.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: block[:5]})
				return c.WriteData(1, true, nil)
			})
			return said{}.ask([]byte(start), c.settings(), asked)
		}, []string{"given up"}},
		"a pushed answer is none of the client's": {func(c, s *end) said {
			pushed := s.say(func() error {
				return s.WritePushPromise(xhttp2.PushPromiseParam{StreamID: 1, PromiseID: 2, BlockFragment: s.fields(request("/style.css")...), EndHeaders: true})
			})
			return said{}.ask([]byte(start), c.settings(), c.headers(1, true, request("/a")...)).
				answer(s.settings(), pushed, s.headers(2, true, ok...), s.headers(1, true, ok...))
		}, []string{"http POST|/a|/a  200"}},
		"gRPC: an error without a message": {func(c, s *end) said {
			return said{}.ask([]byte(start), c.settings(), c.headers(1, false, grpcRequest("/shop.Cart/Get")...), c.data(1, true, []byte("hello"))).
				answer(s.headers(1, true, append(grpcOK, "grpc-status", "8", "grpc-message", "no room for 17%20more")...))
		}, []string{"grpc Get|shop.Cart|/shop.Cart/Get shop.Cart/Get 8 RESOURCE_EXHAUSTED no room for ? more"}},
		"gRPC: a proxy answers": {func(c, s *end) said {
			return said{}.ask([]byte(start), c.settings(), c.headers(1, true, grpcRequest("/shop.Cart/Get")...)).answer(s.headers(1, true, ":status", "503"))
		}, []string{"grpc Get|shop.Cart|/shop.Cart/Get shop.Cart/Get 14 UNAVAILABLE"}},
		"gRPC: a path that is none": {func(c, s *end) said {
			return said{}.ask([]byte(start), c.settings(), c.headers(1, true, grpcRequest("/secret token/Get")...)).answer(s.headers(1, true, append(grpcOK, status0...)...))
		}, nil},
		"the server refuses a stream": {func(c, s *end) said {
			reset := s.say(func() error { return s.WriteRSTStream(1, xhttp2.ErrCodeRefusedStream) })
			return said{}.ask([]byte(start), c.settings(), c.headers(1, true, grpcRequest("/shop.Cart/Get")...)).answer(reset)
		}, []string{"grpc Get|shop.Cart|/shop.Cart/Get shop.Cart/Get 14 UNAVAILABLE the stream was reset: REFUSED_STREAM"}},
		"the server goes away": {func(c, s *end) said {
			away := s.say(func() error { return s.WriteGoAway(1, xhttp2.ErrCodeNo, nil) })
			return said{}.ask([]byte(start), c.settings(), c.headers(1, true, request("/a")...), c.headers(3, true, request("/b")...)).
				answer(away, s.headers(1, true, ok...))
		}, []string{"http POST|/b|/b   REFUSED_STREAM the stream was reset: REFUSED_STREAM", "http POST|/a|/a  200"}},
		"closed, and the answer was missing, of a request that came when answers were missing already": {func(c, s *end) said {
			asked := said{}.ask([]byte(start), c.settings(), c.headers(1, true, grpcRequest("/shop.Cart/Get")...))
			lost := asked.part(protocol.Response, s.hidden(1, func() []byte { return s.headers(1, true, status0...) }), 4096, 4).ask(c.headers(3, true, grpcRequest("/shop.Cart/Get")...))
			return lost.part(protocol.Response, s.hidden(3, func() []byte { return s.headers(3, true, status0...) }), 0, 4)
		}, nil},
		"closed, and the answer was missing, of a request that is read later": {func(c, s *end) said {
			asked := said{}.ask([]byte(start), c.settings(), c.headers(1, true, grpcRequest("/shop.Cart/Get")...)).ask(c.headers(3, true, grpcRequest("/shop.Cart/Get")...))
			lost := asked.part(protocol.Response, s.hidden(1, func() []byte { return s.headers(3, true, status0...) }), 4096, 4)
			lost[1], lost[2] = lost[2], lost[1]
			return lost
		}, nil},
		"closed before the answer, and in it": {func(c, s *end) said {
			return said{}.ask([]byte(start), c.settings(), c.headers(1, true, request("/a")...), c.headers(3, true, request("/b")...)).
				answer(s.headers(3, false, ok...), s.data(3, false, []byte("x")))
		}, []string{"http POST|/a|/a   " + broken, "http POST|/b|/b  200 " + broken}},
		"a body of which the middle is missing": {func(c, s *end) said {
			body := s.data(1, true, make([]byte, 9000))
			return said{}.ask([]byte(start), c.settings(), c.headers(1, true, request("/a")...)).answer(s.headers(1, false, ok...)).
				part(protocol.Response, body, 4096, 128).ask(c.headers(3, true, request("/a")...)).answer(s.headers(3, true, ok...))
		}, []string{"http POST|/a|/a  200", "http POST|/a|/a  200"}},
		"trailers behind what is missing": {func(c, s *end) said {
			answer := bytes.Join([][]byte{s.headers(1, false, grpcOK...), s.data(1, false, make([]byte, 5000)), s.data(1, false, make([]byte, 5000)), s.headers(1, true, "grpc-status", "13", "grpc-message", "oh")}, nil)
			return said{}.ask([]byte(start), c.settings(), c.headers(1, true, grpcRequest("/shop.Cart/Get")...)).part(protocol.Response, answer, 4096, 128)
		}, []string{"grpc Get|shop.Cart|/shop.Cart/Get shop.Cart/Get 13 INTERNAL oh"}},
		"headers that are missing: those after them are not guessed": {func(c, s *end) said {
			first := bytes.Join([][]byte{c.headers(1, false, request("/upload")...), c.data(1, false, make([]byte, 5000)), c.headers(3, true, request("/hidden", "x-tenant", "a")...), c.data(1, true, make([]byte, 200))}, nil)
			return said{}.ask([]byte(start), c.settings()).part(protocol.Request, first, 4096, 128).
				answer(s.headers(1, true, ok...), s.headers(3, true, ok...)).
				ask(c.headers(5, true, request("/hidden", "x-tenant", "a")...)).answer(s.headers(5, true, ok...))
		}, []string{"http POST|/upload|/upload  200"}},
		"a body of which the frames are missing: headers after it are as those before": {func(c, s *end) said {
			asked := said{}.ask([]byte(start), c.settings(), c.headers(1, true, request("/a", "x-tenant", "a")...)).answer(s.headers(1, true, ok...))
			upload := bytes.Join([][]byte{c.headers(3, false, request("/a", "x-tenant", "a")...), c.data(3, false, make([]byte, 5000)), c.data(3, true, make([]byte, 200))}, nil)
			return asked.part(protocol.Request, upload, 4096, 128).answer(s.headers(3, true, ok...)).
				ask(c.headers(5, true, request("/a", "x-tenant", "a")...)).answer(s.headers(5, true, ok...))
		}, []string{"http POST|/a|/a  200", "http POST|/a|/a  200", "http POST|/a|/a  200"}},
		"a body of which the frames are missing proves nothing of headers that were missing before": {func(c, s *end) said {
			hiding := bytes.Join([][]byte{s.headers(1, false, ":status", "503"), s.data(1, false, make([]byte, 5000)), s.headers(3, false, ":status", "429"), s.data(1, false, make([]byte, 200))}, nil)
			large := bytes.Join([][]byte{s.headers(5, false, ok...), s.data(5, false, make([]byte, 5000)), s.data(5, false, make([]byte, 200))}, nil)
			return said{}.ask([]byte(start), c.settings(), c.headers(1, true, request("/a")...), c.headers(3, true, request("/b")...)).
				part(protocol.Response, hiding, 4096, 128).answer(s.data(1, true, nil), s.data(3, true, nil)).
				ask(c.headers(5, true, request("/c")...)).part(protocol.Response, large, 4096, 128).answer(s.headers(5, true, "x-sum", "1")).
				ask(c.headers(7, true, request("/d")...)).answer(s.headers(7, true, ":status", "429"), s.headers(9, true, ok...)).
				ask(c.headers(9, true, request("/e")...), c.headers(11, true, request("/f")...)).answer(s.headers(11, true, ":status", "503"))
		}, []string{"http POST|/a|/a  503", "http POST|/c|/c  200"}},
		"headers of a stream that is not known are missing beside the one that is": {func(c, s *end) said {
			_, _ = c.headers(1, true, request("/known")...), s.headers(1, true, ":status", "503")
			html := append(ok, "content-type", "text/html")
			first := s.headers(1, true, ":status", "201")
			large := bytes.Join([][]byte{s.headers(5, false, html...), s.data(5, false, make([]byte, 5000)), s.headers(3, true, ":status", "429"), s.data(5, false, make([]byte, 200))}, nil)
			return said{}.ask(c.headers(3, true, request("/known")...), c.headers(5, true, request("/new")...)).
				answer(first).part(protocol.Response, large, 4096, 128).answer(s.headers(5, true, "x-sum", "1")).
				ask(c.headers(7, true, request("/new")...)).answer(s.headers(7, true, ":status", "429", "content-type", "text/html"))
		}, []string{"http POST|/new|/new  200"}},
		"headers of a stream that the client broke off are missing": {func(c, s *end) said {
			cancel := c.say(func() error { return c.WriteRSTStream(3, xhttp2.ErrCodeCancel) })
			first := s.headers(1, true, ":status", "201")
			large := bytes.Join([][]byte{s.headers(5, false, ok...), s.data(5, false, make([]byte, 5000)), s.headers(3, true, ":status", "429"), s.data(5, false, make([]byte, 200))}, nil)
			return said{}.ask([]byte(start), c.settings(), c.headers(1, true, request("/a")...)).answer(first).
				ask(c.headers(3, true, request("/b")...), c.headers(5, true, request("/c")...), cancel).
				part(protocol.Response, large, 4096, 128).answer(s.headers(5, true, "x-sum", "1")).
				ask(c.headers(7, true, request("/d")...)).answer(s.headers(7, true, ":status", "429"))
		}, []string{"http POST|/a|/a  201", "http POST|/b|/b   CANCEL the stream was reset: CANCEL", "http POST|/c|/c  200"}},
		"broken off without an error, after an end that is missing": {func(c, s *end) said {
			answer := bytes.Join([][]byte{s.headers(1, false, grpcOK...), s.data(1, false, make([]byte, 5000)), s.headers(1, true, status0...), s.say(func() error { return s.WritePing(false, [8]byte{}) })}, nil)
			asked, done := c.headers(1, false, grpcRequest("/shop.Cart/Get")...), c.say(func() error {
				_ = c.WriteRSTStream(1, xhttp2.ErrCodeNo)
				return c.WriteRSTStream(1, xhttp2.ErrCodeCancel)
			})
			return said{}.ask([]byte(start), c.settings(), asked).part(protocol.Response, answer, 4096, 4).ask(done)
		}, nil},
		"trailers of a request are missing, where requests have them": {func(c, s *end) said {
			asked := bytes.Join([][]byte{c.headers(1, false, request("/a")...), c.headers(1, true, "x-sum", "1"), c.headers(3, true, request("/b")...)}, nil)
			upload := bytes.Join([][]byte{c.headers(5, false, request("/c")...), c.data(5, false, make([]byte, 5000)), c.headers(5, true, "x-sum", "2"), c.say(func() error { return c.WritePing(false, [8]byte{}) })}, nil)
			return said{}.ask([]byte(start), c.settings(), asked).answer(s.headers(1, true, ok...), s.headers(3, true, ok...)).
				part(protocol.Request, upload, 4096, 4).answer(s.headers(5, true, ok...)).
				ask(c.headers(7, true, ":method", "POST", ":scheme", "http", ":path", "/c")).answer(s.headers(7, true, ok...))
		}, []string{"http POST|/a|/a  200", "http POST|/b|/b  200", "http POST|/c|/c  200"}},
		"gRPC: headers are missing, and a content-type stands where another one did": {func(c, s *end) said {
			other := []string{":status", "200", "content-type", "application/grpc+proto"}
			asked := said{}.ask([]byte(start), c.settings(), c.headers(1, false, grpcRequest("/shop.Cart/Get")...), c.headers(3, false, grpcRequest("/shop.Cart/Put")...)).
				answer(s.headers(1, false, grpcOK...), s.headers(3, false, other...), s.headers(1, true, "grpc-status", "7"), s.headers(3, true, status0...))
			return asked.askAll(c, 5, 7, 9).part(protocol.Response, s.hidden(5, func() []byte { return s.headers(7, true, ":status", "200", "grpc-status", "9") }), 4096, 4).
				answer(s.headers(9, false, other...), s.data(9, false, []byte("x")), s.headers(9, true, status0...))
		}, []string{"grpc Get|shop.Cart|/shop.Cart/Get shop.Cart/Get 7 PERMISSION_DENIED", "grpc Put|shop.Cart|/shop.Cart/Put shop.Cart/Put 0", unknown}},
		"gRPC: headers are missing, and the content-type left the table and came again": {func(c, s *end) said {
			large := strings.Repeat("x", 2100)
			asked := said{}.ask([]byte(start), c.settings(), c.headers(1, false, grpcRequest("/shop.Cart/Get")...), c.headers(3, false, grpcRequest("/shop.Cart/Put")...)).
				answer(s.headers(1, false, append(grpcOK, "x-large", large)...), s.headers(3, false, grpcOK...), s.headers(1, true, "grpc-status", "7"), s.headers(3, true, status0...))
			missing := func() []byte {
				return bytes.Join([][]byte{
					s.headers(7, false, ":status", "200", "x-1", large, "x-2", large, "content-type", "application/grpc", "x-4", ""), s.headers(7, true, status0...),
					s.headers(9, true, append(grpcOK, "grpc-status", "7")...),
				}, nil)
			}
			return asked.askAll(c, 5, 7, 9, 11).part(protocol.Response, s.hidden(5, missing), 4096, 4).
				answer(s.headers(11, false, grpcOK...), s.data(11, false, []byte("x")), s.headers(11, true, status0...))
		}, []string{"grpc Get|shop.Cart|/shop.Cart/Get shop.Cart/Get 7 PERMISSION_DENIED", "grpc Put|shop.Cart|/shop.Cart/Put shop.Cart/Put 0", unknown}},
		"met half-way: what is in the table is not known": {func(c, s *end) said {
			_, _ = c.headers(1, true, request("/known")...), s.headers(1, true, ok...)
			return said{}.ask(c.headers(3, true, request("/known")...)).answer(s.headers(3, true, ok...)).
				ask(c.headers(5, true, request("/new")...)).answer(s.headers(5, true, append(ok, "content-type", "text/html")...)).
				ask(c.headers(7, true, request("/new")...)).answer(s.headers(7, true, ":status", "500", "content-type", "text/html"))
		}, []string{"http POST|/new|/new  200", "http POST|/new|/new  500"}},
		"what is no HTTP/2": {func(_, _ *end) said {
			return said{}.ask([]byte("PRI * HTTP/2.0\r\n")).answer([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")).ask([]byte("Host: shop\r\n"))
		}, []string{"given up"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := c.say(newEnd(), newEnd())
			if diff := cmp.Diff(c.want, s.closed()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			for cut, recut := range protocoltest.Conversation(s).Recut() {
				if cut == "byte by byte" && slices.ContainsFunc(s, func(s protocol.Segment) bool { return len(s.Tail) > 0 }) {
					continue // the end of a transfer comes in one piece
				}
				if diff := cmp.Diff(c.want, said(recut).closed()); diff != "" {
					t.Errorf("%s: calls (-want +got):\n%s", cut, diff)
				}
			}
		})
	}
}

// TestNeverWrong has bytes missing anywhere, of headers, bodies and what stands between them: less is told then, and nothing else than was said.
func TestNeverWrong(t *testing.T) {
	paths := []string{"/a", "/b", "/c", "/shop.Cart/Get", "/shop.Cart/Put", "/f"}
	plain := func(s *end, id uint32, i int, body []byte) [][]byte {
		return [][]byte{s.headers(id, false, ":status", strconv.Itoa(500+i), "content-type", "text/plain"), s.data(id, true, body)}
	}
	grpc := func(s *end, id uint32, i int, body []byte) [][]byte {
		return [][]byte{s.headers(id, false, ":status", "200", "content-type", "application/grpc"), s.data(id, false, body), s.headers(id, true, "grpc-status", strconv.Itoa(i))}
	}
	for name, tc := range map[string]struct {
		paths        []string
		contentTypes []string
		unique       int // each how-manieth request has a header that no other has
		answer       func(s *end, id uint32, i int, body []byte) [][]byte
		status       int // of the first path; each has the next
		least        int // calls told, of a hundred
	}{
		"plain":                    {paths, []string{"application/json"}, 20, plain, 500, 10},
		"plain, nothing new":       {paths, []string{"application/json"}, 1 << 30, plain, 500, 10},
		"gRPC":                     {paths[3:5], []string{"application/grpc"}, 1 << 30, grpc, 0, 80},
		"gRPC, of several kinds":   {paths[3:5], []string{"application/grpc", "application/grpc+proto", "application/grpc"}, 1 << 30, grpc, 0, 10},
		"gRPC, the table overruns": {paths[3:5], []string{"application/grpc"}, 3, grpc, 0, 25},
	} {
		t.Run(name, func(t *testing.T) {
			sent, told := 0, 0
			for seed := range uint64(150) {
				r := rand.New(rand.NewPCG(seed, 6))
				c, s := newEnd(), newEnd()
				truth := map[time.Time]map[string]bool{}
				all := said{}.ask([]byte(start), c.settings()).answer(s.settings())
				for id := uint32(1); id < 400; {
					var asked, answered [][]byte
					lines := map[string]bool{}
					for range 1 + r.IntN(4) {
						i := r.IntN(len(tc.paths))
						kv := request(tc.paths[i], "content-type", tc.contentTypes[r.IntN(len(tc.contentTypes))])
						if r.IntN(tc.unique) == 0 {
							kv = append(kv, "x-request", strconv.Itoa(r.Int()))
						}
						asked = append(asked, c.headers(id, false, kv...), c.data(id, true, make([]byte, r.IntN(600))))
						answered = append(answered, tc.answer(s, id, i, make([]byte, r.IntN(600)))...)
						lines[tc.paths[i]+" "+strconv.Itoa(tc.status+i)] = true
						lines[tc.paths[i]+" "] = tc.status == 0 // a status that is not known
						id, sent = id+2, sent+1
					}
					truth[all.next()] = lines
					all = all.cut(protocol.Request, r, asked)
					all = all.cut(protocol.Response, r, answered)
				}
				p := http2.New(func(c protocol.Call) {
					if told++; !truth[c.Start][c.Path+" "+c.Status] || c.ErrorType == protocol.ConnectionClosed {
						t.Errorf("seed %d: %s %s %s was never said at %v: %v", seed, c.Path, c.Status, c.ErrorType, c.Start, truth[c.Start])
					}
				})
				if !slices.ContainsFunc(all, func(segment protocol.Segment) bool { return !segment.Feed(p) }) {
					p.Close(all.next())
				}
			}
			t.Logf("%d of %d calls told", told, sent)
			if told*100 < sent*tc.least {
				t.Errorf("%d of %d calls told", told, sent)
			}
		})
	}
}

// cut is a transfer of which, now and then, bytes are missing.
func (s said) cut(d protocol.Direction, r *rand.Rand, frames [][]byte) said {
	b := bytes.Join(frames, nil)
	if r.IntN(8) > 0 {
		return s.whole(d, frames)
	}
	head := r.IntN(len(b))
	return s.part(d, b, head, r.IntN(min(len(b)-head, 128)))
}

// TestBounded has a client ask for more than anyone waits for.
func TestBounded(t *testing.T) {
	c := newEnd()
	s := said{}.ask([]byte(start), c.settings())
	for i := range protocol.MaxPending + 1 {
		s = s.ask(c.headers(uint32(2*i+1), true, request("/a")...))
	}
	if got := s.closed(); len(got) != 1 || got[0] != "given up" {
		t.Errorf("%d calls", len(got))
	}
}
