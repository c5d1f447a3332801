package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// server answers GET /items/{id}, as badly as its environment says.
type server struct {
	faults   faults
	greeting string
	upstream string // base URL of the next server; "" for the last
	client   http.Client

	count atomic.Uint64
	mu    sync.Mutex
	kept  [][]byte
}

func serve(ctx context.Context) error {
	f, err := readFaults()
	if err != nil {
		return err
	}
	conf, err := configuration()
	if err != nil {
		return err
	}
	patience, err := time.ParseDuration(conf["timeout"])
	if err != nil {
		return fmt.Errorf("timeout: %w", err)
	}
	s := &server{faults: f, greeting: conf["greeting"], upstream: os.Getenv("UPSTREAM"), client: http.Client{Timeout: patience}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /items/{id}", s.item)
	h := &http.Server{Addr: ":8080", Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		_ = h.Shutdown(late)
	}()
	slog.Info("serving", "address", h.Addr, "upstream", s.upstream)
	if err := h.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (s *server) item(w http.ResponseWriter, r *http.Request) {
	work(s.faults.work)
	s.leak()
	n := s.count.Add(1)
	if share := s.faults.errors; share > 0 && float64(n%100) < share*100 {
		slog.Error("cannot price item", "item", r.PathValue("id"), "error", "price list is empty")
		http.Error(w, "price list is empty", http.StatusInternalServerError)
		return
	}
	if s.upstream == "" {
		fmt.Fprintf(w, "%s, item %s\n", s.greeting, r.PathValue("id"))
		return
	}
	if err := s.forward(r.Context(), w, r.URL.Path); err != nil {
		slog.Error("upstream failed", "error", err)
		http.Error(w, err.Error(), http.StatusBadGateway)
	}
}

func (s *server) forward(ctx context.Context, w io.Writer, path string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.upstream+path, nil)
	if err != nil {
		return err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", s.upstream, resp.Status)
	}
	_, err = io.Copy(w, resp.Body)
	return err
}

// leak keeps some memory for ever, written to, so that it is there.
func (s *server) leak() {
	if s.faults.leak == 0 {
		return
	}
	b := make([]byte, s.faults.leak<<10)
	for i := 0; i < len(b); i += 4096 {
		b[i] = 1
	}
	s.mu.Lock()
	s.kept = append(s.kept, b)
	s.mu.Unlock()
}

// work takes CPU time: a loop of a fixed number of steps for each millisecond, so that a throttled container takes longer.
func work(d time.Duration) {
	x := uint64(88172645463325252)
	for range int(d.Seconds() * 3e8) {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	if x == 0 {
		panic("a generator that never yields 0 did")
	}
}
