package supervisor

import (
	"os/exec"
	"runtime"
)

// spawner starts every child from one thread that lives as long as the supervisor: the kernel sends a child its death
// signal when the thread that started it ends, not the process.
type spawner struct {
	requests chan spawn
}

type spawn struct {
	cmd  *exec.Cmd
	done chan error
}

func newSpawner() *spawner {
	s := &spawner{requests: make(chan spawn)}
	go s.serve()
	return s
}

func (s *spawner) serve() {
	runtime.LockOSThread()
	for r := range s.requests {
		r.done <- r.cmd.Start()
	}
}

// start is cmd.Start on the spawner's thread.
func (s *spawner) start(cmd *exec.Cmd) error {
	done := make(chan error, 1)
	s.requests <- spawn{cmd, done}
	return <-done
}

// close ends the thread, and with it every child that still runs.
func (s *spawner) close() { close(s.requests) }
