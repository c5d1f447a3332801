package receive

import (
	"fmt"
	"sync/atomic"
)

// holdStep is how many bytes more than it needs a request takes of the budget while it grows.
const holdStep = 64 << 10

// Budget bounds the bytes that requests take from when their bodies come until their rows are stored.
type Budget struct {
	limit int64
	used  atomic.Int64
}

// NewBudget is one of so many bytes.
func NewBudget(limit int64) *Budget { return &Budget{limit: limit} }

// Hold has nothing of it yet.
func (b *Budget) Hold() *Hold { return &Hold{of: b} }

// Used is how many bytes are taken.
func (b *Budget) Used() int64 { return b.used.Load() }

// ErrFull says that there is no room. It wraps ErrOverload.
func (b *Budget) ErrFull() error {
	return fmt.Errorf("%w: %d bytes of requests wait for the store", ErrOverload, b.limit)
}

// Hold is what one request takes of a budget. A nil one has no bounds.
type Hold struct {
	of *Budget
	n  atomic.Int64
}

// Grow makes it at least n bytes, or says that they are not there. A request larger than the whole budget gets through when nothing else is there.
func (h *Hold) Grow(n int) bool {
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

// Shrink gives back all but n bytes.
func (h *Hold) Shrink(n int) {
	if h == nil {
		return
	}
	if less := h.n.Load() - int64(n); less > 0 {
		h.n.Add(-less)
		h.of.used.Add(-less)
	}
}

// Release gives back everything. It may be called again, and by anyone.
func (h *Hold) Release() {
	if h != nil {
		h.of.used.Add(-h.n.Swap(0))
	}
}
