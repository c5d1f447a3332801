package ingest

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/midwatch/midwatch/ingest/remotewrite"
	"github.com/midwatch/midwatch/ingest/wire"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// Headers of a request, in gRPC metadata or HTTP.
const (
	HeaderBatchID     = "midwatch-batch-id"    // identifies the request in the store; without it, a hash of the body does
	HeaderRedelivered = "midwatch-redelivered" // "true": this request was sent before and its fate is not known
)

const maxBatchID = 128 // bytes

// Errors of a whole request. Nothing, or an unknown part, of it is stored.
var (
	// ErrMalformed means the request cannot be read and must not be sent again.
	ErrMalformed = errors.New("malformed request")
	// ErrOverload means nothing was stored and the sender should come back later.
	ErrOverload = errors.New("overload")
	// ErrStore means the store did not take the rows for certain; sent again, they are stored once.
	ErrStore = errors.New("store unavailable")
)

// errLeft means the sender went away while its rows waited, or were on their way into the store.
var errLeft = errors.New("sender left")

// request is one export request as it came.
type request struct {
	signal      telemetry.Signal
	from        *sender // nil: the ingester itself
	id          string  // from HeaderBatchID, or empty
	redelivered bool
	json        bool                // else protobuf
	remote      remotewrite.Version // of remote write; 0: OTLP
	schema      []string            // of profiles: the version of the protocol that the sender names, if it does
	body        []byte
	hold        *hold // the memory that the body and its rows take
}

// identify gives a request without an id the hash of its content, so that a sender's retry is recognised.
func (q *request) identify() error {
	if len(q.id) > maxBatchID {
		return fmt.Errorf("%w: %s has more than %d bytes", ErrMalformed, HeaderBatchID, maxBatchID)
	}
	if q.id == "" {
		h := sha256.New()
		h.Write([]byte(q.signal))
		h.Write(q.body)
		q.id = "h-" + hex.EncodeToString(h.Sum(nil)[:16])
	}
	if q.from != nil {
		q.id = q.from.id(q.id)
	}
	return nil
}

// admit says who sends a request, before its body is read: nobody else makes us hold one. What it refuses is counted.
func (s *Server) admit(signal telemetry.Signal, conn *tls.ConnectionState, authorization string) (*sender, error) {
	from, err := s.senders.who(conn, authorization)
	if err == nil {
		err = from.pace.admit(time.Now())
	}
	if err != nil {
		s.counters.request(signal, reasonOf(err))
		return nil, err
	}
	return from, nil
}

// batchOf is how a request's id is stored with its rows: the first 8 bytes of its SHA-256.
func batchOf(id string) uint64 {
	h := sha256.Sum256([]byte(id))
	return binary.BigEndian.Uint64(h[:8])
}

// export stores a request and returns when that is done. The error wraps one of the three above, or is ctx's.
func (s *Server) export(ctx context.Context, q request) (rejected int64, why string, err error) {
	r, err := s.exportRows(ctx, q)
	if err != nil {
		return 0, "", err
	}
	rejected, why = r.tally.partial()
	return rejected, why, nil
}

// exportRows is export for who wants to know more.
func (s *Server) exportRows(ctx context.Context, q request) (*rows, error) {
	r, err := s.store(ctx, q)
	if err != nil {
		s.counters.request(q.signal, reasonOf(err))
		return nil, err
	}
	return r, nil
}

func reasonOf(err error) Reason {
	var fast *tooFast
	switch {
	case errors.As(err, &fast):
		return requestRate
	case errors.Is(err, auth.ErrUnauthenticated):
		return requestUnauthenticated
	case errors.Is(err, errTooLarge):
		return requestBodyTooLarge
	case errors.Is(err, ErrOverload):
		return requestOverload
	case errors.Is(err, wire.ErrDeep):
		return requestTooDeep
	case errors.Is(err, errMany), errors.Is(err, remotewrite.ErrMany):
		return requestTooMany
	case errors.Is(err, ErrMalformed):
		return requestMalformed
	}
	return requestStoreError
}

func (s *Server) store(ctx context.Context, q request) (*rows, error) {
	if q.hold == nil {
		q.hold = s.memory.hold()
	}
	if err := q.identify(); err != nil {
		q.hold.release()
		return nil, err
	}
	if q.from != nil {
		q.from.pace.read(len(q.body), time.Now())
	}
	s.counters.size(q.signal, len(q.body))
	r, err := s.decodeAndSettle(ctx, q)
	if !errors.Is(err, errLeft) {
		q.hold.release()
	}
	return r, err
}

func (s *Server) decodeAndSettle(ctx context.Context, q request) (*rows, error) {
	now := time.Now()
	r := &rows{id: q.id, batch: batchOf(q.id), environment: s.cfg.Environment, now: now, known: s.series, knownStacks: s.stacks, newSeries: s.limit.of(q.from, now)}
	if q.from != nil && q.from.environment != "" {
		r.environment, r.confined = q.from.environment, true
	}
	if !q.hold.grow(len(q.body)) {
		return nil, s.errFull()
	}
	if err := s.decode(ctx, q, r); err != nil {
		return nil, err
	}
	q.hold.shrink(r.expanded)
	q.body, r.resources, r.scratch = nil, nil, nil // the rows are all that is kept while they wait
	for {
		is, wait := s.fates.begin(q.id, r.now)
		if wait == nil {
			return r, s.settle(ctx, q, r, is)
		}
		select { // the same request again, while the first is on its way into the store
		case <-wait:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// settle stores r unless it is known to be stored. It holds the claim on the id until that is decided, even when ctx ends before.
func (s *Server) settle(ctx context.Context, q request, r *rows, is fate) error {
	if is == stored {
		s.fates.end(q.id, stored, r.now)
		s.counters.request(q.signal, requestDuplicate)
		return nil
	}
	chunks := r.chunks()
	if len(chunks) == 0 {
		s.fates.end(q.id, unseen, r.now)
		s.counters.records(q.signal, &r.tally)
		return nil
	}
	w := &write{
		id: q.id, batch: r.batch, environment: r.environment, chunks: chunks, doubtful: is == unknown || q.redelivered, bytes: r.expanded, done: make(chan struct{}),
		left: ctx.Done(),
	}
	w.ended = func(err error) {
		r.tally.refuse(w.refused)
		q.hold.release()
		if errors.Is(err, errLeft) { // nothing of it was sent
			s.fates.end(q.id, is, time.Now())
			return
		}
		if err != nil {
			s.doubtSeries(err)
			s.fates.end(q.id, unknown, time.Now())
			return
		}
		if w.refused == 0 {
			s.series.stored(r.fresh)
			s.stacks.stored(r.freshStacks)
		}
		s.fates.end(q.id, stored, time.Now())
		s.counters.records(q.signal, &r.tally)
	}
	if err := s.batcher.add(w); err != nil {
		s.fates.end(q.id, is, r.now)
		return err
	}
	select {
	case <-w.done:
		return w.err
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", errLeft, ctx.Err())
	}
}
