package http2_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/http2"
	"github.com/midwatch/midwatch/collector/protocol/protocoltest"
)

const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// shop is a service with one method for each way in which a call can go.
var shop = grpc.ServiceDesc{
	ServiceName: "shop.Cart",
	Methods: []grpc.MethodDesc{
		{MethodName: "GetCart", Handler: unary(func(in string) (string, error) { return in, nil })},
		{MethodName: "Find", Handler: unary(func(string) (string, error) {
			return "", status.Error(codes.NotFound, "no product 'secret' of 17, 100 % sure: grüße")
		})},
	},
	Streams: []grpc.StreamDesc{
		{StreamName: "Watch", ServerStreams: true, Handler: func(_ any, s grpc.ServerStream) error {
			for range 5 {
				if err := s.SendMsg(wrapperspb.String(strings.Repeat("x", 3000))); err != nil {
					return err
				}
			}
			return status.Error(codes.Aborted, "over")
		}},
		{StreamName: "Wait", ServerStreams: true, Handler: func(_ any, s grpc.ServerStream) error {
			if err := s.SendMsg(wrapperspb.String("first")); err != nil {
				return err
			}
			<-s.Context().Done()
			return s.Context().Err()
		}},
	},
}

func unary(f func(in string) (string, error)) grpc.MethodHandler {
	return func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		var in wrapperspb.StringValue
		if err := decode(&in); err != nil {
			return nil, err
		}
		out, err := f(in.Value)
		return wrapperspb.String(out), err
	}
}

// recordGRPC has the client of a real library talk to its server, and returns what they said on their connection.
func recordGRPC(t testing.TB, use func(c *grpc.ClientConn)) protocoltest.Conversation {
	t.Helper()
	server := grpc.NewServer()
	server.RegisterService(&shop, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(l) }()
	defer server.Stop()
	var r protocoltest.Recorder
	c, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) { return r.DialContext(ctx, "tcp", addr) }))
	if err != nil {
		t.Fatal(err)
	}
	use(c)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	all := r.Conversations()
	if len(all) != 1 {
		t.Fatalf("%d connections", len(all))
	}
	return all[0]
}

func invoke(ctx context.Context, c *grpc.ClientConn, method, in string) error {
	return c.Invoke(ctx, "/shop.Cart/"+method, wrapperspb.String(in), new(wrapperspb.StringValue))
}

// drain reads a server's stream to its end.
func drain(ctx context.Context, c *grpc.ClientConn, method string, message func()) error {
	s, err := c.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, "/shop.Cart/"+method)
	if err != nil {
		return err
	}
	if err := s.SendMsg(wrapperspb.String("")); err != nil {
		return err
	}
	_ = s.CloseSend()
	for {
		if err := s.RecvMsg(new(wrapperspb.StringValue)); err != nil {
			return err
		}
		message()
	}
}

// line is what matters of a call.
func line(c protocol.Call) string {
	return strings.TrimSpace(fmt.Sprintf("%s %s|%s|%s %s %s %s %s", c.Protocol, c.Operation, c.Resource, c.Path, c.Summary, c.Status, c.ErrorType, c.Error))
}

func lines(c protocoltest.Conversation) (all []string) {
	c.Feed(http2.New(func(c protocol.Call) { all = append(all, line(c)) }))
	return all
}

const (
	getCart = "grpc GetCart|shop.Cart|/shop.Cart/GetCart shop.Cart/GetCart 0"
	find    = "grpc Find|shop.Cart|/shop.Cart/Find shop.Cart/Find 5 NOT_FOUND no product '?' of ?, ? % sure: grüße"
	watched = "grpc Watch|shop.Cart|/shop.Cart/Watch shop.Cart/Watch 10 ABORTED over"
	waited  = "grpc Wait|shop.Cart|/shop.Cart/Wait shop.Cart/Wait 1 CANCELLED the stream was reset: CANCEL"
	missing = "grpc Missing|shop.Cart|/shop.Cart/Missing shop.Cart/Missing 12 UNIMPLEMENTED unknown method Missing for service shop.Cart"
)

func TestGRPC(t *testing.T) {
	said := recordGRPC(t, func(c *grpc.ClientConn) {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "traceparent", traceparent, "authorization", "Bearer secret")
		for range 3 { // the second time everything is in the table
			if err := invoke(ctx, c, "GetCart", "x"); err != nil {
				t.Error(err)
			}
			if err := invoke(ctx, c, "Find", "x"); status.Code(err) != codes.NotFound {
				t.Error(err)
			}
		}
		if err := drain(ctx, c, "Watch", func() {}); status.Code(err) != codes.Aborted {
			t.Error(err)
		}
		short, cancel := context.WithCancel(ctx)
		if err := drain(short, c, "Wait", cancel); status.Code(err) != codes.Canceled {
			t.Error(err)
		}
		if err := invoke(ctx, c, "Missing", ""); status.Code(err) != codes.Unimplemented {
			t.Error(err)
		}
	})
	want := []string{getCart, find, getCart, find, getCart, find, watched, waited, missing}
	for cut, c := range said.Recut() {
		if cut == "byte by byte" {
			continue // the end of a transfer comes in one piece
		}
		if diff := cmp.Diff(want, lines(c)); diff != "" {
			t.Errorf("%s: calls (-want +got):\n%s", cut, diff)
		}
	}
	said.Feed(http2.New(func(c protocol.Call) {
		if c.TraceParent != traceparent || c.RequestBytes < 10 || c.ResponseBytes < 10 || c.FirstByte <= 0 || c.Duration < c.FirstByte || c.Duration > time.Minute {
			t.Errorf("%+v", c)
		}
	}))
}

// unknownStatus is a getCart whose end is known, but not how it ended: its trailers, or what the table held of them, were in bytes that nobody read.
var unknownStatus = strings.TrimSuffix(getCart, " 0")

// TestConcurrent has many streams on one connection, in transfers that are larger than what is copied of them. Headers in their middle are not seen; those after them are.
// How much falls into one transfer is chance, so that the best of some conversations says what can be seen.
func TestConcurrent(t *testing.T) {
	const conversations, crowd, each = 3, 20, 20
	most := 0
	for range conversations {
		got := lines(recordGRPC(t, func(c *grpc.ClientConn) { inCrowd(t, c, crowd, each) }))
		if slices.ContainsFunc(got, func(s string) bool { return s != getCart && s != unknownStatus }) || len(got) > crowd*each {
			t.Errorf("%d calls: %q", len(got), got)
		}
		most = max(most, len(slices.DeleteFunc(got, func(s string) bool { return s == unknownStatus })))
	}
	if most < crowd*each*6/10 { // headers in the middle of a large transfer are not copied
		t.Errorf("%d calls of %d", most, crowd*each)
	}
}

// inCrowd has a crowd call over one connection, each some times.
func inCrowd(t *testing.T, c *grpc.ClientConn, crowd, each int) {
	t.Helper()
	var wg sync.WaitGroup
	for range crowd {
		wg.Go(func() {
			for i := range each {
				if err := invoke(t.Context(), c, "GetCart", strings.Repeat("x", 20*i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// TestMetHalfWay begins anywhere in a conversation. What comes out is part of what is true.
func TestMetHalfWay(t *testing.T) {
	var want []string
	said := recordGRPC(t, func(c *grpc.ClientConn) {
		for i := range 100 {
			ctx := metadata.AppendToOutgoingContext(t.Context(), "x-request-id", fmt.Sprintf("%d-%064d", i, i)) // evicts what is older
			method, line := "GetCart", getCart
			if i%2 == 1 {
				method, line = "Find", find
			}
			if err := invoke(ctx, c, method, "x"); status.Code(err) == codes.Unknown {
				t.Error(err)
			}
			want = append(want, line)
		}
	})
	most := 0
	for i := range said[:len(said)/4] {
		if i > 0 && (said[i].Direction != protocol.Request || !http2.Resumes(said[i].Head)) {
			continue
		}
		got := lines(said[i:])
		for j, w := range want[len(want)-len(got):] {
			if w != got[j] && got[j] != unknownStatus {
				t.Fatalf("from the segment %d on: %q, want %q", i, got[j], w)
			}
		}
		if i > 0 {
			most = max(most, len(got))
		}
	}
	if most < 30 {
		t.Errorf("%d calls at most after the beginning was missed", most)
	}
}

func TestHTTP(t *testing.T) {
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := http.Server{Protocols: &protocols, ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		switch {
		case r.URL.Path == "/large":
			_, _ = w.Write(make([]byte, 300_000))
		case strings.HasPrefix(r.URL.Path, "/missing"):
			w.WriteHeader(http.StatusServiceUnavailable)
		case r.URL.Path == "/hint":
			w.WriteHeader(http.StatusEarlyHints)
		case r.URL.Path == "/trailers":
			w.Header().Set(http.TrailerPrefix+"X-Sum", "1")
			w.WriteHeader(http.StatusCreated)
		}
	})}
	go func() { _ = server.Serve(l) }()
	defer func() { _ = server.Close() }()
	var r protocoltest.Recorder
	transport := &http.Transport{Protocols: &protocols, DialContext: r.DialContext}
	client := http.Client{Transport: transport}
	for range 2 {
		for _, target := range []string{"GET /items/17?q=secret", "POST /large", "GET /missing/a@b.c", "GET /hint", "PUT /trailers"} {
			method, path, _ := strings.Cut(target, " ")
			req, err := http.NewRequestWithContext(t.Context(), method, "http://"+l.Addr().String()+path, strings.NewReader(strings.Repeat("x", 50_000)))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	}
	transport.CloseIdleConnections()
	want := []string{
		"http GET|/items/{id}|/items/17  200", "http POST|/large|/large  200", "http GET|/missing/{id}|/missing/a@b.c  503", "http GET|/hint|/hint  200",
		"http PUT|/trailers|/trailers  201",
	}
	want = append(want, want...)
	said := r.Conversations()
	if len(said) != 1 {
		t.Fatalf("%d connections", len(said))
	}
	for cut, c := range said[0].Recut() {
		if diff := cmp.Diff(want, lines(c)); diff != "" {
			t.Errorf("%s: calls (-want +got):\n%s", cut, diff)
		}
	}
}
