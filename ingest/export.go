package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/midwatch/midwatch/ingest/otlp"
	"github.com/midwatch/midwatch/ingest/receive"
)

// batchOf is how a request's id is stored with its rows: the first 8 bytes of its SHA-256.
func batchOf(id string) uint64 {
	h := sha256.Sum256([]byte(id))
	return binary.BigEndian.Uint64(h[:8])
}

// export stores a request and returns when that is done. The error is counted, and wraps otlp.ErrMalformed, one of receive's, or is ctx's.
func (s *Server) export(ctx context.Context, q receive.Request) (*otlp.Rows, error) {
	r, err := s.store(ctx, q)
	if err != nil {
		s.counters.request(q.Signal, receive.ReasonOf(err))
		return nil, err
	}
	return r, nil
}

func (s *Server) store(ctx context.Context, q receive.Request) (*otlp.Rows, error) {
	if q.Hold == nil {
		q.Hold = s.memory.Hold()
	}
	if err := q.Identify(); err != nil {
		q.Hold.Release()
		return nil, err
	}
	q.From.Sent(len(q.Body), time.Now())
	s.counters.size(q.Signal, len(q.Body))
	r, err := s.decodeAndSettle(ctx, q)
	if !errors.Is(err, receive.ErrLeft) {
		q.Hold.Release()
	}
	return r, err
}

func (s *Server) decodeAndSettle(ctx context.Context, q receive.Request) (*otlp.Rows, error) {
	now := time.Now()
	cfg := otlp.Config{
		ID: q.ID, Batch: batchOf(q.ID), Environment: s.cfg.Environment, Now: now, Secret: s.secret, KnownSeries: s.series, KnownStacks: s.stacks, NewSeries: s.limit.of(q.From, now),
	}
	if q.From != nil && q.From.Environment != "" {
		cfg.Environment, cfg.Confined = q.From.Environment, true
	}
	if !q.Hold.Grow(len(q.Body)) {
		return nil, s.memory.ErrFull()
	}
	if err := s.batcher.late(now); err != nil {
		return nil, err
	}
	r, err := s.decode(ctx, q, cfg)
	if err != nil {
		return nil, err
	}
	q.Body = nil // the rows are all that is kept while they wait
	for {
		was, wait := s.fates.begin(q.ID, r.Now, !q.Named() && r.Timeless())
		if wait == nil {
			return r, s.settle(ctx, q, r, was)
		}
		select { // the same request again, while the first is on its way into the store
		case <-wait:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// settle stores r unless it is known to be stored. It holds the claim on the id until that is decided, even when ctx ends before.
func (s *Server) settle(ctx context.Context, q receive.Request, r *otlp.Rows, was seen) error {
	if was.is == stored {
		r.Refuse(s.fates.refused(q.ID))
		s.fates.end(q.ID, stored, was.at)
		s.counters.request(q.Signal, requestDuplicate)
		return nil
	}
	chunks := r.Chunks()
	if len(chunks) == 0 {
		s.fates.end(q.ID, unseen, r.Now)
		s.counters.records(q.Signal, &r.Tally)
		return nil
	}
	w := &write{
		id: q.ID, batch: r.Batch, environment: r.Environment, chunks: chunks, doubtful: was.is == unknown || q.MayBeStored(), ago: cameFirst(q, was, r.Now),
		bytes: r.Bytes(), done: make(chan struct{}), left: ctx.Done(),
	}
	w.ended = func(err error) {
		r.Refuse(w.refused)
		q.Hold.Release()
		switch {
		case errors.Is(err, receive.ErrLeft) && !w.sent:
			s.fates.end(q.ID, was.is, r.Now)
			return
		case err != nil:
			s.doubtSeries(err)
			s.fates.end(q.ID, unknown, r.Now)
			return
		}
		if len(w.refused) == 0 {
			r.Stored()
		}
		s.fates.refuse(q.ID, w.refused)
		s.fates.end(q.ID, stored, r.Now)
		s.counters.records(q.Signal, &r.Tally)
	}
	if err := s.batcher.add(w); err != nil {
		s.fates.end(q.ID, was.is, r.Now)
		return err
	}
	select {
	case <-w.done:
		return w.err
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", receive.ErrLeft, ctx.Err())
	}
}

// longAgo is how long ago a request may have come first that was given an id, or is said to come again.
const longAgo = time.Hour

// cameFirst is how long ago a request may have come before, if it did: to another ingester, too, of which this one knows nothing.
func cameFirst(q receive.Request, was seen, now time.Time) time.Duration {
	ago := timeless
	if was.is == unknown && !was.at.IsZero() {
		ago += now.Sub(was.at)
	}
	if q.Named() || q.Redelivered {
		ago = max(ago, longAgo)
	}
	return ago
}

// maxTrees bounds what requests take together while they are read; a larger one is read when no other is, and takes the rest of the budget.
const maxTrees = 64 << 20

// decode reads a request. What a request is read as may be a hundred times what came: together they wait for each other, which takes as
// long as reading does and no longer. When it returns, what is held is what the rows take.
func (s *Server) decode(ctx context.Context, q receive.Request, cfg otlp.Config) (*otlp.Rows, error) {
	var took int64
	defer func() { s.trees.Release(took) }()
	beside, full := len(q.Body), false // what the request takes besides its rows, in bytes, and whether there is no room for it
	cfg.Grow = func(rows int) bool { return q.Hold.Grow(beside + rows) }
	var r *otlp.Rows
	cfg.Wait = func(bytes int) error {
		n := min(int64(bytes), maxTrees)
		beside += bytes - int(n)
		if full = !cfg.Grow(r.Bytes()); full {
			return s.memory.ErrFull()
		}
		if err := s.trees.Acquire(ctx, n); err != nil {
			return err
		}
		took += n
		return nil
	}
	r = otlp.New(cfg)
	err := r.Decode(q.Request)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case full, r.Full():
		return nil, s.memory.ErrFull()
	case err != nil:
		return nil, err
	}
	r.Done()
	q.Hold.Shrink(max(r.Bytes(), r.Spare()))
	return r, nil
}
