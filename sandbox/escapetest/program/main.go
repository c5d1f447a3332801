// Command program stands in for midwatch-analyst and tries what a sandbox must forbid, once in each fresh sandbox. The request's
// question names the attempt; the answer's error says exactly what came of it: the name of an errno, or "OPEN" and what was reached.
package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/midwatch/midwatch/sandbox/contract"
	"github.com/midwatch/midwatch/sandbox/native"
)

// without names walls of the native engine that are left out, with commas; set by the linker (escapetest.Build).
var without string

// attempt returns nil when it got through, an errno when it met a wall, or says what it saw.
type attempt func() error

// attempts are all of them, by name.
func attempts() map[string]attempt {
	all := map[string]attempt{}
	for _, group := range []map[string]attempt{network(), files(), mounts(), processes(), namespaces(), privileges(), descriptors(), bombs()} {
		for name, try := range group {
			all[name] = try
		}
	}
	return all
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == native.EnterArgument {
		if without == "fail" {
			native.ExitWall(errors.New("a wall: it fell"))
		}
		native.ExitWall(native.Enter(strings.Split(without, ",")...))
	}
	engine := os.NewFile(contract.FD, "engine")
	var req contract.Request
	if err := contract.Read(engine, &req); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	name := req.Step.Request.Question
	if name == "list" {
		say(engine, list())
		return
	}
	if misbehave, ok := misbehaviours[name]; ok {
		misbehave(engine)
		return
	}
	try, ok := attempts()[name]
	if !ok {
		say(engine, "no such attempt")
		return
	}
	say(engine, outcome(try()))
}

func list() string {
	var names []string
	for name := range attempts() {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, "\n")
}

func outcome(err error) string {
	var errno syscall.Errno
	var saw seen
	switch {
	case err == nil:
		return "OPEN"
	case errors.As(err, &saw):
		return string(saw)
	case errors.As(err, &errno):
		return unix.ErrnoName(errno)
	}
	return err.Error()
}

// seen is what an attempt reports that looks rather than acts.
type seen string

func (s seen) Error() string { return string(s) }

func say(engine *os.File, text string) {
	if err := contract.Write(engine, contract.Answer{Error: text}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(4)
	}
}

// raw makes a system call and returns its errno as it is.
func raw(nr uintptr, args ...uintptr) error {
	var a [6]uintptr
	copy(a[:], args)
	if _, _, errno := syscall.Syscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5]); errno != 0 {
		return errno
	}
	return nil
}

// call is raw as an attempt.
func call(nr uintptr, args ...uintptr) attempt {
	return func() error { return raw(nr, args...) }
}

const minus1 = ^uintptr(0)
