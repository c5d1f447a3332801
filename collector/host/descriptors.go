package host

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// descriptors is who holds what open.
type descriptors struct {
	sockets map[uint64][]*Process // :: socket inode → holders
	files   map[string][]int      // :: watched path → PIDs that may write to it
}

// scanDescriptors reads the open files of every process. A process that ends meanwhile, or may not be looked into, has none.
func scanDescriptors(proc string, procs []*Process, watched map[string]bool) descriptors {
	d := descriptors{sockets: map[uint64][]*Process{}, files: map[string][]int{}}
	for _, p := range procs {
		dir := fmt.Sprintf("%s/%d/fd", proc, p.PID)
		f, err := os.Open(dir)
		if err != nil {
			continue
		}
		names, _ := f.Readdirnames(-1)
		_ = f.Close()
		for _, name := range names {
			link, err := os.Readlink(dir + "/" + name)
			if err != nil {
				continue
			}
			if n, ok := strings.CutPrefix(link, "socket:["); ok {
				if ino, err := strconv.ParseUint(strings.TrimSuffix(n, "]"), 10, 64); err == nil {
					d.sockets[ino] = append(d.sockets[ino], p)
				}
				continue
			}
			if watched[link] && writes(fmt.Sprintf("%s/%d/fdinfo/%s", proc, p.PID, name)) {
				d.files[link] = append(d.files[link], p.PID)
			}
		}
	}
	return d
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
