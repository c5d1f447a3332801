package standalone

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ReadyFD is the environment variable that names the descriptor on which a part writes one line when it serves:
// "ready", optionally followed by a sentence about what it cannot do.
const ReadyFD = "MIDWATCH_READY_FD"

// stopTimeout is how long a part gets between SIGTERM and SIGKILL.
const stopTimeout = 10 * time.Second

type process struct {
	part    Part
	cfg     Config
	after   []*process // must be ready first
	before  []*process // must have stopped first
	pid     atomic.Int64
	stopped chan struct{}
	// readyOnce is closed when the part was ready for the first time.
	readyOnce chan struct{}
}

func newProcess(p Part, cfg Config) *process {
	return &process{part: p, cfg: cfg, stopped: make(chan struct{}), readyOnce: make(chan struct{})}
}

// run keeps the part running until ctx ends. It owns the OS thread its children are tied to by their death signal.
func (p *process) run(ctx context.Context) error {
	runtime.LockOSThread()
	defer close(p.stopped)
	if p.cfg.Nice != 0 { // of this thread, which nothing else will ever run on: its children inherit it
		if err := unix.Setpriority(unix.PRIO_PROCESS, 0, p.cfg.Nice); err != nil {
			p.cfg.Log.DebugContext(ctx, "priority unchanged", "part", p.part.Name, "error", err)
		}
	}
	for _, dep := range p.after {
		select {
		case <-dep.readyOnce:
		case <-ctx.Done():
			return nil
		}
	}
	backoff, deaths := minBackoff, 0
	for ctx.Err() == nil {
		started := time.Now()
		err := p.runOnce(ctx)
		if ctx.Err() != nil {
			break
		}
		if p.wasReady() && time.Since(started) > steady { // else a part that hangs would be tried for ever
			backoff, deaths = minBackoff, 0
		}
		deaths++
		p.cfg.OnEvent(Event{Part: p.part.Name, Kind: Died, Note: err.Error(), Took: time.Since(started)})
		if deaths >= firstTries && !p.wasReady() {
			return fmt.Errorf("%w: %s: %w", ErrPart, p.part.Name, err)
		}
		select {
		case <-time.After(backoff):
		case <-ctx.Done():
		}
		backoff = min(2*backoff, maxBackoff)
	}
	return nil
}

func (p *process) wasReady() bool {
	select {
	case <-p.readyOnce:
		return true
	default:
		return false
	}
}

// runOnce starts the process, waits for it to be ready and then for its end, and says why it ended.
func (p *process) runOnce(ctx context.Context) error {
	log, err := os.OpenFile(filepath.Join(p.cfg.LogDir, p.part.Name+".log"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	ready, theirs, err := os.Pipe()
	if err != nil {
		return err
	}
	defer ready.Close()
	// No context: it is stopped in order, see stop.
	cmd := exec.CommandContext(context.Background(), p.part.Argv[0], p.part.Argv[1:]...)
	cmd.Env = append(append(os.Environ(), p.part.Env...), ReadyFD+"=3")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{theirs}
	// Its own process group, so that Ctrl-C reaches the supervisor alone; and it dies with the supervisor.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := time.Now()
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		return err
	}
	p.pid.Store(int64(cmd.Process.Pid))
	defer p.pid.Store(0)
	p.cfg.OnEvent(Event{Part: p.part.Name, Kind: Started})

	exited := make(chan struct{})
	var waitErr error // written before exited is closed
	go func() {
		waitErr = cmd.Wait()
		close(exited)
	}()
	became := make(chan string, 1)
	go func() {
		if line, err := bufio.NewReader(ready).ReadString('\n'); err == nil {
			became <- strings.TrimSpace(strings.TrimPrefix(line, "ready"))
		}
	}()
	limit := time.NewTimer(p.part.Ready)
	defer limit.Stop()
	for {
		select {
		case note := <-became:
			limit.Stop()
			p.cfg.OnEvent(Event{Part: p.part.Name, Kind: Ready, Note: note, Took: time.Since(started)})
			if !p.wasReady() {
				close(p.readyOnce)
			}
		case <-exited:
			return fmt.Errorf("%s: %s", exitText(waitErr), lastLine(log))
		case <-limit.C:
			_ = cmd.Process.Kill()
			<-exited
			return fmt.Errorf("not ready after %s: %s", p.part.Ready, lastLine(log))
		case <-ctx.Done():
			p.stop(cmd, exited)
			p.cfg.OnEvent(Event{Part: p.part.Name, Kind: Stopped})
			return nil
		}
	}
}

// stop waits for the parts that need this one, then asks it to end, and ends it.
func (p *process) stop(cmd *exec.Cmd, exited <-chan struct{}) {
	for _, b := range p.before {
		<-b.stopped
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-exited:
	case <-time.After(stopTimeout):
		_ = cmd.Process.Kill()
		<-exited
	}
}

func exitText(err error) string {
	if err == nil {
		return "exited"
	}
	return err.Error()
}

// lastLine is the end of a part's log: by house rule an error's last line says what to do.
func lastLine(log *os.File) string {
	const window = 4 << 10
	end, err := log.Seek(0, 2)
	if err != nil {
		return ""
	}
	b := make([]byte, min(end, window))
	if _, err := log.ReadAt(b, end-int64(len(b))); err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return lines[len(lines)-1]
}
