package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/midwatch/midwatch/deploy/standalone"
)

// notifyReady tells the supervisor, if there is one, that the part serves, with a sentence about what it cannot do.
func notifyReady(note string) {
	fd, err := strconv.Atoi(os.Getenv(standalone.ReadyFD))
	if err != nil {
		return
	}
	f := os.NewFile(uintptr(fd), "ready")
	if f == nil {
		return
	}
	defer f.Close()
	fmt.Fprintln(f, strings.TrimSpace("ready "+strings.ReplaceAll(note, "\n", " ")))
}
