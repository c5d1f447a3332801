package supervisor

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/midwatch/midwatch/deploy/shop/home"
	"github.com/midwatch/midwatch/deploy/shop/plan"
)

// batchThreads is how many threads the batch job keeps busy: enough that on few cores others wait several turns.
const batchThreads = 20

// Process is one child as the control socket reports it.
type Process struct {
	Name   string    `json:"name"`
	PID    int       `json:"pid"` // 0 while it is down
	Starts int       `json:"starts"`
	Since  time.Time `json:"since,omitzero"`
}

// serveControl answers on the control socket until the returned function is called.
func (s *Supervisor) serveControl(ctx context.Context) (func(), error) {
	l, err := home.ListenUnix(ctx, s.dir.Control())
	if err != nil {
		return nil, fmt.Errorf("open control socket: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /processes", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(s.processes()) // the caller may be gone
	})
	mux.HandleFunc("POST /restart/{name}", func(w http.ResponseWriter, r *http.Request) {
		answer(w, s.restart(r.Context(), r.PathValue("name")))
	})
	mux.HandleFunc("POST /batch", func(w http.ResponseWriter, _ *http.Request) { answer(w, s.startBatch(ctx)) })
	mux.HandleFunc("DELETE /batch", func(w http.ResponseWriter, _ *http.Request) { s.batch.stop(); answer(w, nil) })
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	go server.Serve(l) //nolint:errcheck // ends with Close
	return func() { _ = server.Close(); _ = os.Remove(s.dir.Control()) }, nil
}

func answer(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// restart gives a service a new process with its switches off.
func (s *Supervisor) restart(ctx context.Context, name string) error {
	role, known := s.plan.ByName(name)
	if !known || !slices.Contains(plan.Services(), role) {
		return fmt.Errorf("restart %s: not one of the shop's services", name)
	}
	if err := os.Remove(s.dir.Switches(name)); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("restart %s: %w", name, err)
	}
	s.keepers.Lock()
	k := s.keepers.byName[name]
	s.keepers.Unlock()
	return k.Restart(ctx)
}

func (s *Supervisor) processes() []Process {
	s.keepers.Lock()
	defer s.keepers.Unlock()
	out := make([]Process, 0, len(s.keepers.byName)+1)
	for name, k := range s.keepers.byName {
		p := Process{Name: name}
		k.running.Lock()
		p.Starts = k.running.starts
		if i := k.running.now; i != nil {
			p.PID, p.Since = i.pid(), i.since
		}
		k.running.Unlock()
		out = append(out, p)
	}
	if i := s.batch.alive(); i != nil {
		out = append(out, Process{Name: i.program.name, PID: i.pid(), Starts: 1, Since: i.since})
	}
	slices.SortFunc(out, func(a, b Process) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// batchJob is the one program that is not kept running.
type batchJob struct {
	sync.Mutex
	now *instance
}

func (s *Supervisor) startBatch(ctx context.Context) error {
	if s.batch.alive() != nil {
		return nil
	}
	name := s.name(plan.Batch)
	p := program{
		name: name, path: s.dir.Executable(name), args: []string{"-threads", fmt.Sprint(batchThreads)},
		log: s.dir.Log(name), as: s.services, stop: unix.SIGTERM,
	}
	i, err := p.start(ctx, s.spawner)
	if err != nil {
		return err
	}
	s.batch.Lock()
	defer s.batch.Unlock()
	s.batch.now = i
	return nil
}

// alive is the job while it runs, else nil.
func (b *batchJob) alive() *instance {
	b.Lock()
	defer b.Unlock()
	if b.now == nil {
		return nil
	}
	select {
	case <-b.now.done:
		return nil
	default:
		return b.now
	}
}

func (b *batchJob) stop() {
	if i := b.alive(); i != nil {
		i.end()
	}
}
