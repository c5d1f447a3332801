package node

import (
	"bufio"
	"context"
	"debug/elf"
	"errors"
	"log/slog"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/sys/unix"

	"github.com/midwatch/midwatch/collector/host"
	"github.com/midwatch/midwatch/collector/probe"
)

const (
	librariesEvery = time.Second // new processes
	libraryLooks   = 3           // at a young process: libraries are there a moment after its start
	libraryRound   = 30          // looks at the young, for one at all: libraries may be loaded at any time
	maxFiles       = 4096        // that were looked at
	maxLibraries   = 256         // that are attached to
)

// file is a file, whatever its path.
type file struct{ device, inode uint64 }

// libraries finds the TLS libraries that processes use, and has the probe see what goes through them. It belongs to one goroutine.
type libraries struct {
	table   *host.Table
	decrypt func(path string) error
	log     *slog.Logger

	looked map[host.ID]int                // :: process → how often it was looked at
	files  *simplelru.LRU[file, struct{}] // that were tried
	found  int
	round  int
}

func newLibraries(t *host.Table, decrypt func(path string) error, log *slog.Logger) *libraries {
	files, _ := simplelru.NewLRU[file, struct{}](maxFiles, nil) // fails only for a size of zero
	return &libraries{table: t, decrypt: decrypt, log: log, looked: map[host.ID]int{}, files: files}
}

func (l *libraries) run(ctx context.Context) error {
	tick := time.NewTicker(librariesEvery)
	defer tick.Stop()
	for {
		l.step()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// step looks at young processes, and now and then at all.
func (l *libraries) step() {
	all := l.round%libraryRound == 0
	l.round++
	before := l.looked
	l.looked = make(map[host.ID]int, len(before))
	for _, p := range l.table.Live() {
		n := before[p.ID()]
		if !p.Own && (all || n < libraryLooks) {
			n++
			l.look(p.PID)
		}
		l.looked[p.ID()] = n
	}
}

// look goes through the files whose code a process has mapped: libraries by their name, and its program, which may have one built in.
func (l *libraries) look(pid int) {
	root := "/proc/" + strconv.Itoa(pid)
	maps, err := os.Open(root + "/maps")
	if err != nil {
		return // it is gone
	}
	defer func() { _ = maps.Close() }()
	program, _ := os.Readlink(root + "/exe")
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) != 6 || !strings.Contains(fields[1], "x") {
			continue
		}
		if name := fields[5]; name == program || strings.HasPrefix(path.Base(name), "libssl") {
			l.try(root + "/root" + name)
		}
	}
}

// try has the probe attach to a file, once. What a container has at a path may be anything by now, so the path counts once.
func (l *libraries) try(name string) {
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return // deleted, or replaced by an update: the next process has the new one
	}
	defer func() { _ = unix.Close(fd) }()
	var s unix.Stat_t
	if err := unix.Fstat(fd, &s); err != nil || s.Mode&unix.S_IFMT != unix.S_IFREG {
		return
	}
	f := file{s.Dev, s.Ino}
	if l.files.Contains(f) || l.found >= maxLibraries {
		return
	}
	l.files.Add(f, struct{}{})
	var broken *elf.FormatError
	switch err := l.decrypt("/proc/self/fd/" + strconv.Itoa(fd)); {
	case errors.Is(err, probe.ErrNotRunning): // all that was attached is not any more
		l.files.Purge()
		l.found, l.round = 0, 0
	case err == nil:
		l.found++
		l.log.Debug("what goes through a TLS library is seen", "file", name)
	case errors.Is(err, probe.ErrNoTLS), errors.As(err, &broken):
	default:
		l.log.Warn("what goes through a TLS library is not seen", "file", name, "error", err)
	}
}
