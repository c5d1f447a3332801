package main

import (
	"fmt"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/midwatch/midwatch/sandbox/contract"
)

// Bombs stop by themselves a little beyond the limit they test, so that a wall that fell takes nothing down.
const (
	tooMuch    = 1 << 30 // bytes; the limit is 512 MiB
	tooMany    = 300     // processes and threads; the limit is 64
	tooManyFDs = 5000
)

func bombs() map[string]attempt {
	return map[string]attempt{
		"huge address space": func() error {
			_, err := unix.Mmap(-1, 0, 16<<30, unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANON)
			return err
		},
		"huge pages": func() error {
			_, err := unix.Mmap(-1, 0, 2<<20, unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_HUGETLB)
			return err
		},
		"bomb: descriptors": descriptorBomb,
		"bomb: processes":   processBomb,
		"bomb: files":       func() error { return fill("/bomb") },
		"bomb: tmp":         func() error { return fill("/tmp/bomb") },
		"bomb: dev/shm":     func() error { return fill("/dev/shm/bomb") },
		"bomb: pipes":       pipeBomb,
	}
}

// descriptorBomb says how many descriptors it got.
func descriptorBomb() error {
	for n := range tooManyFDs {
		if _, err := unix.Dup(contract.FD); err != nil {
			return seen(fmt.Sprintf("%s, fewer than 1024: %v", outcome(err), n < 1024))
		}
	}
	return nil
}

// processBomb makes processes that wait, and says whether it met the limit.
func processBomb() error {
	for range tooMany {
		pid, _, errno := unix.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
		if errno != 0 {
			return errno
		}
		if pid == 0 {
			for i := 0; i < 10; i++ { // ten seconds at most
				second := unix.Timespec{Sec: 1}
				_, _, _ = unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&second)), 0, 0)
			}
			_, _, _ = unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
		}
	}
	return nil
}

// fill writes a file until it may not, at most tooMuch.
func fill(path string) error {
	fd, err := unix.Open(path, unix.O_CREAT|unix.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	chunk := make([]byte, 1<<20)
	for n := 0; n < tooMuch; n += len(chunk) {
		if _, err := unix.Write(fd, chunk); err != nil {
			return err
		}
	}
	return nil
}

// pipeBomb fills pipes with a megabyte each.
func pipeBomb() error {
	chunk := make([]byte, 1<<20)
	for n := 0; n < tooMuch; n += len(chunk) {
		var p [2]int
		if err := unix.Pipe2(p[:], unix.O_NONBLOCK); err != nil {
			return err
		}
		_, _ = unix.FcntlInt(uintptr(p[1]), unix.F_SETPIPE_SZ, len(chunk))
		_, _ = unix.Write(p[1], chunk)
	}
	return nil
}

// misbehaviours answer nothing, too much or too late: the engine must call each a failed step.
var misbehaviours = map[string]func(engine *os.File){
	"bomb: heap":          func(*os.File) { touch(unix.MAP_PRIVATE) },
	"bomb: shared memory": func(*os.File) { touch(unix.MAP_SHARED) },
	"bomb: threads":       threads,
	"bomb: stack":         func(*os.File) { _ = deep(1 << 30) },
	"spin":                func(*os.File) { spin(time.Hour) },
	"hang":                func(*os.File) { time.Sleep(time.Hour) },
	"say nothing":         func(*os.File) {},
	"die":                 func(*os.File) { os.Exit(1) },
	"claim a missing wall": func(*os.File) {
		fmt.Fprintln(os.Stderr, "no wall here")
		os.Exit(125)
	},
	"claim the runtime failed": func(*os.File) { os.Exit(128) },
	"announce too much":        func(e *os.File) { _, _ = e.Write([]byte("\xff\xff\xff\xffnot a frame")) },
	"send too much":            sendTooMuch,
	"garbage":                  func(e *os.File) { _, _ = e.Write([]byte("\x00\x00\x00\x07garbage")) },
	"half a frame":             func(e *os.File) { _, _ = e.Write([]byte("\x00\x00\x10\x00{")) },
	"an empty answer":          func(e *os.File) { _ = contract.Write(e, contract.Answer{}) },
	"two answers": func(e *os.File) {
		say(e, "one")
		say(e, "two")
	},
	"answer and stay": func(e *os.File) {
		say(e, "one")
		time.Sleep(time.Hour)
	},
	"answer and fail": func(e *os.File) {
		say(e, "one")
		os.Exit(1)
	},
	// This one is no failure: what it prints goes nowhere, and its answer counts.
	"flood": func(e *os.File) {
		line := make([]byte, 1<<16)
		for range 1024 {
			_, _ = os.Stdout.Write(line)
			_, _ = os.Stderr.Write(line)
		}
		say(e, "flooded")
	},
}

// touch takes memory in pieces that no garbage collector sees.
func touch(how int) {
	const piece = 32 << 20
	for n := 0; n < tooMuch; n += piece {
		b, err := unix.Mmap(-1, 0, piece, unix.PROT_READ|unix.PROT_WRITE, how|unix.MAP_ANON)
		if err != nil {
			fmt.Fprintln(os.Stderr, "stopped:", err)
			os.Exit(5)
		}
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
	}
}

// threads starts threads that stay, by sleeping in the kernel.
func threads(engine *os.File) {
	for range tooMany {
		go func() { _ = unix.Nanosleep(&unix.Timespec{Sec: 8}, nil) }()
	}
	time.Sleep(5 * time.Second)
	say(engine, "all started")
}

func deep(n int) int {
	var frame [256]byte
	if n == 0 {
		return int(frame[0])
	}
	return deep(n-1) + int(frame[n%256])
}

func spin(long time.Duration) {
	for end := time.Now().Add(long); time.Now().Before(end); { //nolint:revive // spinning is the point
	}
}

func sendTooMuch(engine *os.File) {
	frame := make([]byte, 4+contract.MaxFrame+1)
	n := uint32(contract.MaxFrame + 1)
	frame[0], frame[1], frame[2], frame[3] = byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
	_, _ = engine.Write(frame)
}
