package host

import (
	"bytes"
	"os"
	"strconv"
)

// brief is the part of /proc/PID/stat that is asked for all the time. Reading all of it costs several times as much.
type brief struct {
	state      byte
	startTicks uint64
}

// brief reads it; ok is false when the process is gone.
func (t *Table) brief(pid int) (b brief, ok bool) {
	raw, err := os.ReadFile(t.path(pid, "stat"))
	if err != nil {
		return b, false
	}
	return parseBrief(raw)
}

// parseBrief reads "pid (comm) state ppid … starttime …". The name may hold anything, brackets and blanks too.
func parseBrief(raw []byte) (b brief, ok bool) {
	const startTime = 19 // fields behind the state
	end := bytes.LastIndexByte(raw, ')')
	if end < 0 || end+3 > len(raw) {
		return b, false
	}
	rest := raw[end+2:]
	b.state = rest[0]
	for range startTime {
		_, after, found := bytes.Cut(rest, []byte{' '})
		if !found {
			return b, false
		}
		rest = after
	}
	ticks, _, _ := bytes.Cut(rest, []byte{' '})
	var err error
	b.startTicks, err = strconv.ParseUint(string(ticks), 10, 64)
	return b, err == nil
}

// dead tells whether only the entry in the table of processes is left.
func (b brief) dead() bool { return b.state == 'Z' || b.state == 'X' }
