package ingest

import (
	"context"
	"fmt"
	"sync/atomic"
)

const (
	defaultMaxWaiting = 256 << 20
	// holdStep is how many bytes more than it needs a request takes of the budget while it grows.
	holdStep = 64 << 10
	// messageBytes is what a message of OTLP takes when it is read, about.
	messageBytes = 200
	// maxTrees bounds what requests take together while they are read; a larger one is read when no other is.
	maxTrees = 64 << 20
)

// budget bounds the bytes that requests take from when their bodies come until their rows are stored.
type budget struct {
	limit int64
	used  atomic.Int64
}

func (b *budget) hold() *hold { return &hold{of: b} }

// hold is what one request takes of a budget. A nil one has no bounds.
type hold struct {
	of *budget
	n  atomic.Int64
}

// grow makes it at least n bytes, or says that they are not there. A request larger than the whole budget gets through when nothing else is there.
func (h *hold) grow(n int) bool {
	if h == nil || int64(n) <= h.n.Load() {
		return true
	}
	own := h.n.Load()
	more := int64(n) + holdStep - own
	for {
		used := h.of.used.Load()
		if used+more > h.of.limit && used > own {
			return false
		}
		if h.of.used.CompareAndSwap(used, used+more) {
			h.n.Add(more)
			return true
		}
	}
}

// shrink gives back all but n bytes.
func (h *hold) shrink(n int) {
	if h == nil {
		return
	}
	if less := h.n.Load() - int64(n); less > 0 {
		h.n.Add(-less)
		h.of.used.Add(-less)
	}
}

// release gives back everything. It may be called again, and by anyone.
func (h *hold) release() {
	if h != nil {
		h.of.used.Add(-h.n.Swap(0))
	}
}

func (s *Server) errFull() error {
	return fmt.Errorf("%w: %d bytes of requests wait for the store", ErrOverload, s.memory.limit)
}

// decode reads a request into r. What a request is read as may be a hundred times what came: together they wait for each other, which takes as
// long as reading does and no longer.
func (s *Server) decode(ctx context.Context, q request, r *rows) error {
	var took int64
	defer func() { s.trees.Release(took) }()
	r.tree = func(bytes int) error {
		n := min(int64(bytes), maxTrees)
		if err := s.trees.Acquire(ctx, n); err != nil {
			return err
		}
		took += n
		return nil
	}
	r.hold = q.hold
	err := r.decode(q)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return err
	case r.full:
		return s.errFull()
	}
	return nil
}
