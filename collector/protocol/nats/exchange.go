package nats

import (
	"hash/maphash"
	"time"

	"github.com/midwatch/midwatch/collector/protocol"
)

// exchange is a message that wants a reply.
type exchange struct {
	protocol.Call
	certain bool // a reply would come on this connection
}

// exchanges are those that wait, by what their reply's subject hashes to.
type exchanges map[uint64]exchange

// seed makes it hard to find two subjects that hash alike.
var seed = maphash.MakeSeed()

func key(subject string) uint64 { return maphash.String(seed, subject) }

// add has one wait. It returns false if too many do.
func (e exchanges) add(reply string, x exchange) bool {
	if len(e) >= protocol.MaxPending {
		return false
	}
	e[key(reply)] = x
	return true
}

// take returns the one whose reply has a subject.
func (e exchanges) take(subject string) (exchange, bool) {
	k := key(subject)
	x, ok := e[k]
	delete(e, k)
	return x, ok
}

// before takes those that began before a time.
func (e exchanges) before(at time.Time) (old []exchange) {
	for k, x := range e {
		if x.Start.Before(at) {
			old = append(old, x)
			delete(e, k)
		}
	}
	return old
}

func (e exchanges) all() (all []exchange) {
	for _, x := range e {
		all = append(all, x)
	}
	return all
}
