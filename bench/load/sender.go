package load

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
)

// Sender sends a Load as OTLP senders do: what it is told to send again, or gets no answer to, it sends again, until it is taken.
type Sender struct {
	Load     Load
	Address  string // host:port of OTLP/gRPC
	TLS      *tls.Config
	InFlight int           // requests that wait for their answers, those that wait to be sent again included
	Timeout  time.Duration // of an attempt; 0: a minute
	Attempts float64       // attempts a second in all, at most; 0: as many as get through
	Acked    func(n int)   // called for each request that was taken, from several goroutines; may be nil
}

// Sent counts what became of the requests. Safe for concurrent use.
type Sent struct {
	Attempts, Acked, Told, Failed, Rejected atomic.Int64 // Told to come later; Failed otherwise; Rejected: records in partial successes
	slowest                                 atomic.Int64 // ns that an answer took
}

// Slowest is the longest that an answer of any kind took.
func (s *Sent) Slowest() time.Duration { return time.Duration(s.slowest.Load()) }

// conns are the connections: one alone would make one goroutine encrypt it all.
const conns = 4

// Send sends the requests next hands out, until it says that there are no more or ctx ends. An error is an answer that forbids to try again.
func (s *Sender) Send(ctx context.Context, signal Signal, next func() (n int, ok bool), sent *Sent) error {
	var pool [conns]*grpc.ClientConn
	for i := range pool {
		var err error
		if pool[i], err = grpc.NewClient(s.Address, grpc.WithTransportCredentials(credentials.NewTLS(s.TLS)), grpc.WithConnectParams(reconnect())); err != nil {
			return err
		}
		defer func() { _ = pool[i].Close() }()
	}
	limit := rate.NewLimiter(rate.Inf, 1)
	if s.Attempts > 0 {
		limit = rate.NewLimiter(rate.Limit(s.Attempts), int(s.Attempts/10)+1)
	}
	buffers := &sync.Pool{New: func() any { return new([]byte) }}
	g, ctx := errgroup.WithContext(ctx)
	for i := range s.InFlight {
		g.Go(func() error {
			for ctx.Err() == nil {
				n, ok := next()
				if !ok {
					return nil
				}
				w := worker{s, pool[i%conns], limit, buffers, sent}
				if err := w.deliver(ctx, signal, n); err != nil {
					return err
				}
			}
			return ctx.Err()
		})
	}
	return g.Wait()
}

// UpTo hands out the numbers from a to b, without b.
func UpTo(a, b int) func() (int, bool) {
	var next atomic.Int64
	next.Store(int64(a))
	return func() (int, bool) {
		n := int(next.Add(1) - 1)
		return n, n < b
	}
}

type worker struct {
	*Sender
	conn    *grpc.ClientConn
	limit   *rate.Limiter
	buffers *sync.Pool
	sent    *Sent
}

// deliver sends a request until it is taken.
func (w worker) deliver(ctx context.Context, signal Signal, n int) error {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		if err := w.limit.Wait(ctx); err != nil {
			return err
		}
		err := w.attempt(ctx, signal, n)
		if err == nil {
			if w.Acked != nil {
				w.Acked(n)
			}
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		wait, told, again := later(err)
		switch {
		case !again:
			return fmt.Errorf("request %d of %s: %w", n, signal, err)
		case told:
			w.sent.Told.Add(1)
		default:
			w.sent.Failed.Add(1)
			wait = pause
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// A sender that is told nothing waits this long before it tries again, twice as long each time.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 2 * time.Second
)

// attempt sends a request once. It is encoded anew each time: what waits takes no memory.
func (w worker) attempt(ctx context.Context, signal Signal, n int) error {
	timeout := w.Timeout
	if timeout == 0 {
		timeout = time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	buffer, _ := w.buffers.Get().(*[]byte)
	*buffer = w.Load.Append((*buffer)[:0], signal, n)
	w.sent.Attempts.Add(1)
	began := time.Now()
	var answer []byte
	err := w.conn.Invoke(ctx, method(signal), buffer, &answer, grpc.ForceCodecV2(codec{}))
	if took := int64(time.Since(began)); took > w.sent.slowest.Load() {
		w.sent.slowest.Store(took)
	}
	if err != nil {
		return err // the connection may still read the buffer
	}
	w.buffers.Put(buffer)
	w.sent.Acked.Add(1)
	w.sent.Rejected.Add(rejected(answer))
	return nil
}

func method(s Signal) string {
	if s == Logs {
		return "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
	}
	return "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
}

// later says whether OTLP lets a sender try again after an error, and how long it was told to wait, if it was.
func later(err error) (wait time.Duration, told, again bool) {
	st := status.Convert(err)
	for _, d := range st.Details() {
		if info, ok := d.(*errdetails.RetryInfo); ok {
			return info.GetRetryDelay().AsDuration(), true, true
		}
	}
	switch st.Code() {
	case codes.Canceled, codes.DeadlineExceeded, codes.Aborted, codes.OutOfRange, codes.Unavailable, codes.DataLoss:
		return 0, false, true
	}
	return 0, false, errors.Is(err, context.DeadlineExceeded)
}
