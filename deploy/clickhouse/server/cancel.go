package server

import (
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/midwatch/midwatch/deploy/clickhouse/engine"
)

// killEvery is how often a cancelled query is killed again: one that just begins cannot be found yet.
const killEvery = 200 * time.Millisecond

// watch looks for a Cancel packet or a lost client while a query runs, and has the query killed then, until stop. It also
// reports how far the query is. The session may not read from the wire in between.
func (x *session) watch() (stop func() (cancelled bool)) {
	_ = x.conn.SetReadDeadline(time.Time{}) // fails only on a closed connection, as the read will
	x.told = told{}
	done, reported, ended := make(chan bool), make(chan struct{}), make(chan struct{})
	go func() { done <- x.cancelled() && x.killUntil(ended) }()
	go func() { x.report(ended); close(reported) }()
	return func() bool {
		close(ended)
		_ = x.conn.SetReadDeadline(time.Unix(1, 0)) // wakes the reader
		cancelled := <-done
		<-reported
		x.hurry(x.cfg.Timeouts.Receive)
		return cancelled
	}
}

// cancelled waits for the client's next packet, without taking it, and says whether it ends the query.
func (x *session) cancelled() bool {
	b, err := x.wire.Peek(1)
	if err != nil {
		return !errors.Is(err, os.ErrDeadlineExceeded)
	}
	return proto.ClientCode(b[0]) == proto.ClientCodeCancel
}

func (x *session) killUntil(ended chan struct{}) bool {
	tick := time.NewTicker(killEvery)
	defer tick.Stop()
	for {
		x.killer.kill(x.name)
		select {
		case <-ended:
			return true
		case <-tick.C:
		}
	}
}

// killer ends queries of other sessions. Those that come together share one KILL QUERY: one each would snowball.
type killer struct {
	wake chan struct{} // holds one token while names wait
	log  *slog.Logger

	waiting struct {
		sync.Mutex
		names map[string]bool // :: session
	}
}

// kill asks for the end of a session's query and returns at once.
func (k *killer) kill(name string) {
	k.waiting.Lock()
	if k.waiting.names == nil {
		k.waiting.names = map[string]bool{}
	}
	k.waiting.names[name] = true
	k.waiting.Unlock()
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// run kills through a session of its own until wake is closed.
func (k *killer) run(s *engine.Session) {
	defer s.Close()
	for range k.wake {
		k.waiting.Lock()
		var names []string
		for n := range k.waiting.names {
			names = append(names, literal(n))
		}
		clear(k.waiting.names)
		k.waiting.Unlock()
		if len(names) == 0 {
			continue
		}
		q := "KILL QUERY WHERE splitByChar(' ', Settings['log_comment'])[1] IN (" + strings.Join(names, ", ") + ") ASYNC SETTINGS max_threads = 1"
		if err := s.Exec(q); err != nil {
			k.log.Warn("kill cancelled queries", "error", err)
		}
	}
}
