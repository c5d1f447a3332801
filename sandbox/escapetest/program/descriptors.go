package main

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

func descriptors() map[string]attempt {
	return map[string]attempt{"inherited descriptors": inherited}
}

// inherited lists what is open by kind: what the engine gave, and what the Go runtime needs for itself (anonymous inodes).
func inherited() error {
	kinds := map[uint32]string{
		unix.S_IFSOCK: "socket", unix.S_IFREG: "file", unix.S_IFDIR: "directory", unix.S_IFIFO: "pipe", unix.S_IFCHR: "device", unix.S_IFBLK: "disk",
	}
	var given []string
	for fd := range 1024 {
		var st unix.Stat_t
		if unix.Fstat(fd, &st) != nil {
			continue
		}
		kind, ok := kinds[st.Mode&unix.S_IFMT]
		if ok {
			given = append(given, fmt.Sprintf("%d %s", min(fd, 4), kind))
		}
	}
	return seen(strings.Join(slices.Compact(given), ", "))
}
