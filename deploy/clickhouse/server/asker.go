package server

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/midwatch/midwatch/deploy/clickhouse/engine"
)

// askTogether is how long the asker waits for others who ask: one look at what runs answers them all.
const askTogether = 50 * time.Millisecond

// far is what a query has read, and about how many rows there are to read; zeros if it has not begun.
type far struct{ rows, bytes, total uint64 }

// asker asks the engine how far queries are, through one session for all.
type asker struct {
	wake chan struct{} // holds one token while somebody waits
	log  *slog.Logger

	waiting struct {
		sync.Mutex
		sessions map[string]chan<- far
	}
}

// ask returns at once. The channel will have how far the query of a session is; nobody needs to wait for it.
func (a *asker) ask(name string) <-chan far {
	answer := make(chan far, 1)
	a.waiting.Lock()
	if a.waiting.sessions == nil {
		a.waiting.sessions = map[string]chan<- far{}
	}
	a.waiting.sessions[name] = answer
	a.waiting.Unlock()
	select {
	case a.wake <- struct{}{}:
	default:
	}
	return answer
}

// run answers through a session of its own until wake is closed.
func (a *asker) run(s *engine.Session) {
	defer s.Close()
	for range a.wake {
		time.Sleep(askTogether)
		a.waiting.Lock()
		asked := a.waiting.sessions
		a.waiting.sessions = nil
		a.waiting.Unlock()
		if len(asked) == 0 {
			continue
		}
		all, err := look(s, asked)
		if err != nil {
			a.log.Warn("ask how far queries are", "error", err)
		}
		for name, answer := range asked { // also after an error: a client hangs up if it hears nothing at all
			answer <- all[name]
		}
	}
}

// look returns how far the queries of the sessions are that run one.
func look(s *engine.Session, sessions map[string]chan<- far) (map[string]far, error) {
	names := make([]string, 0, len(sessions))
	for name := range sessions {
		names = append(names, literal(name))
	}
	text, err := s.Text("SELECT splitByChar(' ', Settings['log_comment'])[1] AS session, read_rows, read_bytes, total_rows_approx FROM system.processes "+
		"WHERE session IN ("+strings.Join(names, ", ")+") SETTINGS max_threads = 1", "TSV")
	if err != nil {
		return nil, err
	}
	all := map[string]far{}
	for line := range strings.Lines(text) {
		var name string
		var f far
		if _, err := fmt.Sscan(line, &name, &f.rows, &f.bytes, &f.total); err != nil {
			return all, fmt.Errorf("read the progress %q: %w", line, err)
		}
		all[name] = f
	}
	return all, nil
}
