// Package logs reads what services write: files at configured paths, and the journal. Lines become log records with the
// severity, the time and the fields that can be read from them, filed under the process that writes them.
package logs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/midwatch/midwatch/collector/host"
	"github.com/midwatch/midwatch/collector/kept"
	"github.com/midwatch/midwatch/collector/secret"
)

// Path is a set of files to follow.
type Path struct {
	Glob    string `yaml:"path"`    // as of path/filepath.Match
	Service string `yaml:"service"` // when no process that has the file open is known; "" means the file's base name
}

// Sink takes batches of records, and counts what of them JetStream has.
type Sink interface {
	kept.Queue
	Logs(ctx context.Context, ld plog.Logs) error
}

// Config configures a Tailer.
type Config struct {
	Paths     []Path
	Journal   bool   // follow journald where it runs
	Dir       string // where positions are kept; made if missing
	RateLimit int    // lines per second and file, with a burst of ten seconds; 0 means 1000
	Identity  host.Identity
	Table     *host.Table
	Sockets   *host.Sockets // knows who writes to a file
	Sink      Sink
	Log       *slog.Logger // nil means slog.Default()
}

const (
	pollEvery = 250 * time.Millisecond
	scanEvery = 2 * time.Second // for new files, and for who writes to them
	maxFiles  = 512             // followed at once; more are counted and left alone
	maxBatch  = 1000            // records sent at once
)

// Tailer follows files and the journal.
type Tailer struct {
	cfg     Config
	tails   map[fileID]*tail
	saved   positions
	file    *kept.File // of the positions
	batch   batch
	buf     []byte // of one read
	dropped struct{ rate, cut, files, refused atomic.Uint64 }
}

// New validates the configuration and reads the positions. It starts nothing.
func New(cfg Config) (*Tailer, error) {
	if cfg.Dir == "" || cfg.Table == nil || cfg.Sockets == nil || cfg.Sink == nil {
		return nil, errors.New("follow logs: Dir, Table, Sockets and Sink are needed")
	}
	for _, p := range cfg.Paths {
		if _, err := filepath.Match(p.Glob, ""); err != nil || p.Glob == "" {
			return nil, fmt.Errorf("log path %q is not a pattern", p.Glob)
		}
	}
	if cfg.RateLimit == 0 {
		cfg.RateLimit = 1000
	}
	cfg.Log = cmp.Or(cfg.Log, slog.Default())
	file, err := kept.New(cfg.Dir, positionsFile, cfg.Sink)
	if err != nil {
		return nil, err
	}
	saved, err := loadPositions(file)
	if err != nil {
		return nil, err
	}
	return &Tailer{cfg: cfg, tails: map[fileID]*tail{}, saved: saved, file: file, batch: newBatch(), buf: make([]byte, readSize)}, nil
}

// Drops counts lines that did not become whole records, by reason.
func (t *Tailer) Drops() map[string]uint64 {
	return map[string]uint64{
		"log_rate_limit":     t.dropped.rate.Load(),
		"log_line_cut":       t.dropped.cut.Load(),
		"log_too_many_files": t.dropped.files.Load(),
		"log_refused":        t.dropped.refused.Load(),
	}
}

// Run follows until ctx ends, then sends what waits, and keeps the positions once JetStream has it.
func (t *Tailer) Run(ctx context.Context) error {
	journal := make(chan entry, maxBatch)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		if t.cfg.Journal {
			followJournal(ctx, t.saved.Cursor, journal, t.cfg.Log)
		}
	}()
	defer func() { <-stopped }()

	poll, scan := time.NewTicker(pollEvery), time.NewTicker(scanEvery)
	defer poll.Stop()
	defer scan.Stop()
	t.scan(time.Now())
	t.complain(t.file.Write(t.positions())) // from now on, what is not in the file is new
	for {
		select {
		case <-ctx.Done():
			t.finish(context.WithoutCancel(ctx))
			return nil
		case e := <-journal:
			t.journal(e)
		case now := <-poll.C:
			t.read(ctx, now)
			t.flush(ctx)
			t.complain(t.file.Settle())
		case now := <-scan.C:
			t.scan(now)
			t.flush(ctx)
			_, err := t.file.Keep(t.positions())
			t.complain(err)
		}
		if t.batch.count >= maxBatch {
			t.flush(ctx)
		}
	}
}

// read takes what the files have to give.
func (t *Tailer) read(ctx context.Context, now time.Time) {
	for id, f := range t.tails {
		for turn := 0; turn < readTurn && ctx.Err() == nil; turn++ {
			more := f.read(t.buf, now, func(r record) { t.add(f, r) })
			if t.batch.count >= maxBatch {
				t.flush(ctx)
			}
			if !more {
				break
			}
		}
		t.dropped.cut.Add(f.takeCut())
		if f.finished(now) {
			f.close(func(r record) { t.add(f, r) })
			delete(t.tails, id)
		}
	}
}

func (t *Tailer) add(f *tail, r record) {
	f.batched = r.end
	if r.empty {
		return
	}
	if !f.allowed(r.at, t.cfg.RateLimit) {
		t.dropped.rate.Add(1)
		return
	}
	r.text = secret.Line(r.text)
	r.fill(t.batch.under(f, func(rl plog.ResourceLogs) { t.describe(rl, f) }))
	t.batch.count++
}

// describe says whose lines these are.
func (t *Tailer) describe(rl plog.ResourceLogs, f *tail) {
	if f.process != nil {
		t.cfg.Identity.Fill(rl.Resource(), f.process)
	} else {
		t.cfg.Identity.FillService(rl.Resource(), f.service, "")
	}
	rl.Resource().Attributes().PutStr("log.file.path", f.path)
}

func (t *Tailer) flush(ctx context.Context) {
	if t.batch.count > 0 {
		if err := t.cfg.Sink.Logs(ctx, t.batch.logs); err != nil {
			t.dropped.refused.Add(uint64(t.batch.count)) //nolint:gosec // a count
		}
		t.batch = newBatch()
	}
	for _, f := range t.tails {
		f.committed = f.batched
	}
}

func (t *Tailer) finish(ctx context.Context) {
	for _, f := range t.tails {
		for f.read(t.buf, time.Now(), func(r record) { t.add(f, r) }) {
		}
		f.join.flush(func(r record) { t.add(f, r) })
	}
	t.flush(ctx)
	t.complain(t.file.Last(ctx, t.positions()))
	for _, f := range t.tails {
		_ = f.file.Close()
	}
}

// positions are how far what was sent goes.
func (t *Tailer) positions() positions {
	t.saved.Files = map[string]position{}
	for id, f := range t.tails {
		t.saved.Files[id.String()] = f.position()
	}
	return t.saved
}

func (t *Tailer) complain(err error) {
	if err != nil {
		t.cfg.Log.Error("lines may be read again after a restart", "error", err)
	}
}
