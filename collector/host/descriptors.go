package host

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// descriptors is who holds what open.
type descriptors struct {
	sockets map[uint64][]*Process // :: socket inode → holders
	files   map[string][]int      // :: watched path → PIDs that may write to it
}

// scanDescriptors reads the open files of every process. A process that ends meanwhile, or may not be looked into, has none.
func scanDescriptors(proc string, procs []*Process, watched map[string]bool) descriptors {
	d := descriptors{sockets: map[uint64][]*Process{}, files: map[string][]int{}}
	link := make([]byte, unix.PathMax)
	for _, p := range procs {
		f, err := os.Open(fmt.Sprintf("%s/%d/fd", proc, p.PID))
		if err != nil {
			continue
		}
		names, _ := f.Readdirnames(-1)
		for _, name := range names {
			// Relative to the directory, into one buffer: there are many descriptors.
			if n, err := unix.Readlinkat(int(f.Fd()), name, link); err == nil { //nolint:gosec // descriptors are small
				d.add(p, link[:n], func() bool {
					return watched[string(link[:n])] && writes(fmt.Sprintf("%s/%d/fdinfo/%s", proc, p.PID, name))
				})
			}
		}
		_ = f.Close()
	}
	return d
}

// add files a descriptor by what it links to. wanted is asked of what is no socket.
func (d *descriptors) add(p *Process, link []byte, wanted func() bool) {
	if n, ok := bytes.CutPrefix(link, []byte("socket:[")); ok {
		if ino, err := strconv.ParseUint(string(bytes.TrimSuffix(n, []byte("]"))), 10, 64); err == nil {
			d.sockets[ino] = append(d.sockets[ino], p)
		}
	} else if wanted() {
		d.files[string(link)] = append(d.files[string(link)], p.PID)
	}
}

// Writes tells whether a process has a file open for writing.
func (t *Table) Writes(p *Process, file string) bool {
	d := scanDescriptors(t.cfg.Proc, []*Process{p}, map[string]bool{file: true})
	return len(d.files[file]) > 0
}

// writes tells from a descriptor's fdinfo whether it was opened for writing: readers of a log are not its authors.
func writes(fdinfo string) bool {
	b, err := os.ReadFile(fdinfo)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "flags:"); ok {
			flags, err := strconv.ParseInt(strings.TrimSpace(v), 8, 64)
			return err == nil && flags&int64(os.O_WRONLY|os.O_RDWR) != 0
		}
	}
	return false
}
