package publish

import (
	"sync"

	"github.com/nats-io/nats.go"
)

// Stats counts what became of the batches. Counters only grow.
type Stats struct {
	Queued      int    // messages that wait
	QueuedBytes int    // and their size, compressed
	Published   uint64 // messages JetStream acknowledged
	Dropped     uint64 // messages given up because the queue was full
	Oversized   uint64 // records too large for any message
	Retries     uint64 // attempts that JetStream did not acknowledge
	LastError   string // of the last such attempt; empty after a success
}

// queue holds messages in the order they came. At its limit the oldest go: the newest say what is happening now.
type queue struct {
	limit int
	wake  chan struct{} // holds a token when a message came

	mu    sync.Mutex
	msgs  []*nats.Msg
	added uint64 // messages, ever
	stats Stats
}

func (q *queue) add(m *nats.Msg) {
	q.mu.Lock()
	q.msgs = append(q.msgs, m)
	q.added++
	q.stats.QueuedBytes += len(m.Data)
	for q.stats.QueuedBytes > q.limit && len(q.msgs) > 1 {
		q.removeFirst()
		q.stats.Dropped++
	}
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// first returns the oldest message and leaves it in the queue, or nil.
func (q *queue) first() *nats.Msg {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.msgs) == 0 {
		return nil
	}
	return q.msgs[0]
}

// sent removes m unless it was dropped meanwhile.
func (q *queue) sent(m *nats.Msg) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stats.Published++
	q.stats.LastError = ""
	if len(q.msgs) > 0 && q.msgs[0] == m {
		q.removeFirst()
	} else {
		q.stats.Dropped-- // it was counted as dropped while its acknowledgement was under way
	}
}

func (q *queue) removeFirst() {
	q.stats.QueuedBytes -= len(q.msgs[0].Data)
	q.msgs[0] = nil
	q.msgs = q.msgs[1:]
}

// progress counts the messages that ever came, and those of them that wait no more.
func (q *queue) progress() (added, gone uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.added, q.added - uint64(len(q.msgs))
}

func (q *queue) retried(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stats.Retries++
	q.stats.LastError = err.Error()
}

func (q *queue) oversized(records int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stats.Oversized += uint64(records)
}

func (q *queue) snapshot() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.stats
	s.Queued = len(q.msgs)
	return s
}
