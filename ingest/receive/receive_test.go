package receive

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/midwatch/midwatch/ingest/otlp"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// notServing is a server that was not started, for whose requests there are so many bytes.
func notServing(t testing.TB, memory int64) *Server {
	t.Helper()
	s, err := New(Config{
		TLS: &tls.Config{ClientAuth: tls.VerifyClientCertIfGiven, MinVersion: tls.VersionTLS13}, Senders: nobody{}, Memory: NewBudget(memory),
		Refused: func(telemetry.Signal, otlp.Reason) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestABodyTakesMemoryWhileItIsUnpacked(t *testing.T) {
	s := notServing(t, 1<<20)
	other := s.cfg.Memory.Hold()
	other.Grow(1)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := io.CopyN(z, zeros{}, maxMessage); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	r := &http.Request{Header: http.Header{"Content-Encoding": {"gzip"}}, Body: io.NopCloser(bytes.NewReader(packed.Bytes()))}
	h := s.cfg.Memory.Hold()
	if body, err := s.readBody(r, &Sender{}, h); !errors.Is(err, ErrOverload) {
		t.Fatalf("%d bytes, %v: want ErrOverload", len(body), err)
	}
	h.Release()
	other.Release()
	if n := s.cfg.Memory.Used(); n != 0 {
		t.Errorf("%d bytes are still held", n)
	}
	r.Body = io.NopCloser(bytes.NewReader(packed.Bytes()))
	if body, err := s.readBody(r, &Sender{}, h); err != nil || len(body) != maxMessage { // nothing else is there
		t.Fatalf("%d bytes, %v", len(body), err)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// stream is one whose message comes when it is let.
type stream struct {
	grpc.ServerStream
	ctx     context.Context
	let     chan struct{}
	reading *atomic.Int32
}

func (s *stream) Context() context.Context { return s.ctx }

func (s *stream) RecvMsg(into any) error {
	s.reading.Add(1)
	defer s.reading.Add(-1)
	select {
	case <-s.let:
		*into.(*raw) = raw("all of it")
		return nil
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}

func TestStalledSendersKeepNoPlace(t *testing.T) {
	s := notServing(t, 256<<20)
	s.receiveTimeout = 50 * time.Millisecond
	from := &Sender{Token: "a", pace: newPace(metadata.Limits{})}
	var reading atomic.Int32
	stalled := make(chan error)
	for range 6 * ownReceiving {
		go func() {
			ctx, over := context.WithCancel(t.Context())
			defer over() // as gRPC does when the handler returns
			_, _, err := s.receive(&stream{ctx: ctx, let: make(chan struct{}), reading: &reading}, from)
			stalled <- err
		}()
	}
	for range 6 * ownReceiving {
		if n := reading.Load(); n > ownReceiving {
			t.Errorf("%d are received at a time", n)
		}
		if err := <-stalled; status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("%v, want DeadlineExceeded", err)
		}
	}
	s.receiveTimeout = time.Minute
	let := make(chan struct{})
	close(let)
	body, held, err := s.receive(&stream{ctx: t.Context(), let: let, reading: &reading}, from)
	if err != nil || string(body) != "all of it" || s.cfg.Memory.Used() < int64(len(body)) {
		t.Fatalf("%q, %v; %d bytes held", body, err, s.cfg.Memory.Used())
	}
	held.Release()
	for wait := time.Now().Add(time.Minute); s.cfg.Memory.Used() != 0; time.Sleep(time.Millisecond) { // of those whose streams are over
		if time.Now().After(wait) {
			t.Fatalf("%d bytes are still held", s.cfg.Memory.Used())
		}
	}
}

// TestSilentStreamsKeepNobodyElseOut opens streams of one token that bring nothing: others, and parts of the installation, are received.
func TestSilentStreamsKeepNobodyElseOut(t *testing.T) {
	s := notServing(t, 256<<20)
	s.receiveTimeout = time.Minute
	var silent, reading atomic.Int32
	let := make(chan struct{})
	close(let)
	open := func(token string, streams int) {
		from := &Sender{Token: token, pace: newPace(metadata.Limits{})}
		ctx, over := context.WithCancel(t.Context())
		t.Cleanup(over)
		for range streams {
			go func() { _, _, _ = s.receive(&stream{ctx: ctx, let: make(chan struct{}), reading: &silent}, from) }()
		}
	}
	receive := func(from *Sender) {
		t.Helper()
		ctx, over := context.WithTimeout(t.Context(), time.Minute)
		defer over()
		_, held, err := s.receive(&stream{ctx: ctx, let: let, reading: &reading}, from)
		if err != nil {
			t.Fatal(err)
		}
		held.Release()
	}
	other := &Sender{Token: "other", pace: newPace(metadata.Limits{})}
	open("a", 50)
	for silent.Load() < ownReceiving {
		time.Sleep(time.Millisecond)
	}
	receive(other)
	receive(&Sender{})
	open("b", 50)
	for silent.Load() < maxReceiving {
		time.Sleep(time.Millisecond)
	}
	receive(&Sender{})
	if n := s.cfg.Memory.Used(); n < maxReceiving*receivedAhead {
		t.Errorf("%d bytes are held for messages that may come", n)
	}
}

// TestWaitingStreamsAreCounted opens more streams of one token than may wait, and as many of another: what may have come of each is in the budget.
func TestWaitingStreamsAreCounted(t *testing.T) {
	const memory = 24 << 20
	s := notServing(t, memory)
	s.receiveTimeout, s.placeTimeout = time.Minute, time.Minute
	refused := make(chan error, 1000)
	var reading atomic.Int32
	open := func(token string, streams int) {
		from := &Sender{Token: token, pace: newPace(metadata.Limits{})}
		ctx, over := context.WithCancel(t.Context())
		t.Cleanup(over)
		for range streams {
			go func() {
				_, _, err := s.receive(&stream{ctx: ctx, let: make(chan struct{}), reading: &reading}, from)
				refused <- err
			}()
		}
	}
	wait := func(n int) {
		t.Helper()
		for range n {
			if err := <-refused; !errors.Is(err, ErrOverload) {
				t.Fatalf("%v, want ErrOverload", err)
			}
		}
	}
	open("a", 2*maxWaiting)
	wait(maxWaiting)
	for reading.Load() < ownReceiving {
		time.Sleep(time.Millisecond)
	}
	if used := s.cfg.Memory.Used(); used < maxWaiting*streamWindow || used > maxWaiting*(streamWindow+holdStep)+ownReceiving*receivedAhead {
		t.Errorf("%d bytes are held for %d streams that wait", used, maxWaiting)
	}
	open("b", 2*maxWaiting) // for which there is no more room
	wait(maxWaiting)
	if used := s.cfg.Memory.Used(); used > memory {
		t.Errorf("%d bytes are held, of %d", used, memory)
	}
}

// TestWhoWaitsTooLongForAPlaceIsTold before it gives up by itself.
func TestWhoWaitsTooLongForAPlaceIsTold(t *testing.T) {
	s := notServing(t, 256<<20)
	s.placeTimeout = 20 * time.Millisecond
	var reading atomic.Int32
	for range cap(s.receiving.parts) {
		go func() {
			_, _, _ = s.receive(&stream{ctx: t.Context(), let: make(chan struct{}), reading: &reading}, &Sender{})
		}()
	}
	for int(reading.Load()) < cap(s.receiving.parts) {
		time.Sleep(time.Millisecond)
	}
	if _, _, err := s.receive(&stream{ctx: t.Context(), let: make(chan struct{}), reading: &reading}, &Sender{}); !errors.Is(err, ErrOverload) {
		t.Errorf("%v, want ErrOverload", err)
	}
	left, over := context.WithCancel(t.Context())
	over()
	if _, _, err := s.receive(&stream{ctx: left, let: make(chan struct{}), reading: &reading}, &Sender{}); status.Code(err) != codes.Canceled {
		t.Errorf("%v, want Canceled", err)
	}
}

// slow is a body of which some has come.
type slow struct {
	some io.Reader
	came chan<- struct{}
	rest <-chan struct{}
}

func (b *slow) Read(into []byte) (int, error) {
	if n, err := b.some.Read(into); err == nil {
		return n, nil
	}
	b.came <- struct{}{}
	<-b.rest
	return 0, io.EOF
}

func (*slow) Close() error { return nil }

// TestSlowBodiesTakeAShare has one token send more bodies than there is memory for, over HTTP, and none of them to its end.
func TestSlowBodiesTakeAShare(t *testing.T) {
	const memory = 144 << 20
	s := notServing(t, memory)
	from := &Sender{Token: "a", pace: newPace(metadata.Limits{})}
	came, ended, rest := make(chan struct{}), make(chan error), make(chan struct{})
	const bodies = 20
	for range bodies {
		go func() {
			h := s.cfg.Memory.Hold()
			_, err := s.readBody(&http.Request{Body: &slow{io.LimitReader(zeros{}, 8<<20+1), came, rest}}, from, h)
			h.Release()
			ended <- err
		}()
	}
	for range bodies {
		<-came
	}
	if used := s.cfg.Memory.Used(); used > memory/2 || used < maxComing/2 {
		t.Errorf("%d bytes are held for one token, of %d", used, memory)
	}
	if _, err := s.readBody(&http.Request{Body: io.NopCloser(io.LimitReader(zeros{}, 8<<20))}, &Sender{Token: "b", pace: newPace(metadata.Limits{})}, s.cfg.Memory.Hold()); err != nil {
		t.Error(err)
	}
	close(rest)
	refused := 0
	for range bodies {
		if err := <-ended; errors.Is(err, ErrOverload) {
			refused++
		} else if err != nil {
			t.Error(err)
		}
	}
	if kept := bodies - refused; kept < 1 || kept > maxComing>>23 {
		t.Errorf("%d bodies of 8 MiB are kept", kept)
	}
	if n := from.pace.coming.Used(); n != 0 {
		t.Errorf("%d bytes of the share are still held", n)
	}
}

// TestWhatIsRefusedCosts has a sender with a limit send what nobody can read: it has to wait as for any other bytes.
func TestWhatIsRefusedCosts(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	if _, err := io.CopyN(z, zeros{}, maxMessage+1); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	const large = maxMessage + 5<<20
	for name, c := range map[string]struct {
		encoding string
		body     []byte
		want     int // bytes that it costs
	}{
		"too large":        {"", make([]byte, large), large},
		"a bomb":           {"gzip", bomb.Bytes(), maxMessage},
		"malformed":        {"gzip", make([]byte, 1<<20), 1 << 20},
		"no known packing": {"br", make([]byte, 1<<20), 1 << 20},
	} {
		s := notServing(t, 256<<20)
		from := &Sender{Token: "a", pace: newPace(metadata.Limits{BytesPerSecond: 1000})}
		r := &http.Request{Header: http.Header{"Content-Encoding": {c.encoding}}, Body: io.NopCloser(bytes.NewReader(c.body))}
		if _, err := s.readBody(r, from, s.cfg.Memory.Hold()); err == nil {
			t.Fatalf("%s is read", name)
		}
		owes(t, name, from, c.want)
	}
	s := notServing(t, 256<<20)
	from := &Sender{Token: "a", pace: newPace(metadata.Limits{BytesPerSecond: 1000})}
	h := s.cfg.Memory.Hold()
	if _, err := s.readBlock(&http.Request{Body: io.NopCloser(bytes.NewReader(bytes.Repeat([]byte{0xff}, 1<<20)))}, from, h); err == nil {
		t.Fatal("no block is read")
	}
	h.Release()
	owes(t, "a malformed block", from, 1<<20)
	from = &Sender{Token: "a", pace: newPace(metadata.Limits{BytesPerSecond: 1000})}
	if _, _, err := s.receive(broken{ctx: t.Context()}, from); status.Code(err) != codes.ResourceExhausted {
		t.Fatal(err)
	}
	owes(t, "a message that gRPC refuses", from, maxMessage)
	if n := s.cfg.Memory.Used(); n != 0 {
		t.Errorf("%d bytes are still held", n)
	}
}

// owes checks that a sender waits for bytes, of 1000 a second, past the burst.
func owes(t *testing.T, name string, from *Sender, bytes int) {
	t.Helper()
	var fast *tooFast
	if err := from.pace.admit(time.Now()); !errors.As(err, &fast) || fast.wait < time.Duration(bytes-20_000)*time.Millisecond {
		t.Errorf("%s: %v, want to wait for %d bytes", name, err, bytes)
	}
}

// broken is a stream whose message is too large.
type broken struct {
	grpc.ServerStream
	ctx context.Context
}

func (b broken) Context() context.Context { return b.ctx }
func (b broken) RecvMsg(any) error        { return status.Error(codes.ResourceExhausted, "too large") }
