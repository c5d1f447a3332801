// Command serve is the embedded ClickHouse that tests talk to: a process of its own, so that it can be killed, and
// because a program under the race detector runs C destructors at its exit, which the engine does not survive.
// It prints its address when ready and stops when its standard input ends, which the kernel sees to when the test dies.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/midwatch/midwatch/deploy/clickhouse"
	"github.com/midwatch/midwatch/deploy/clickhouse/server"
	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/seal"
)

// memoryLimit is less than the default, because several test binaries run at a time.
const memoryLimit = 1 << 30

func main() {
	library := flag.String("library", "", "path of libchdb.so")
	dir := flag.String("dir", "", "directory for certificates, key and data")
	remove := flag.Bool("remove", false, "remove the directory at the end")
	sessions := flag.Int("sessions", 0, "most sessions at a time; 0 means the server's default")
	patience := flag.Duration("patience", 0, "how long a client may take for a packet or an answer; 0 means what is usual")
	config := flag.String("config", "", "file with the engine's configuration, in place of the one that Midwatch gives it")
	first := flag.String("first", "SELECT 1", "statement that each session of such an engine begins with")
	flag.Parse()
	err := serve(*library, *dir, *sessions, *patience, *config, *first)
	if *remove {
		err = errors.Join(err, os.RemoveAll(*dir))
	}
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

func serve(library, dir string, sessions int, patience time.Duration, config, first string) error {
	certificates := filepath.Join(dir, "pki")
	if err := pki.Ensure(certificates); err != nil {
		return err
	}
	id, err := pki.Load(certificates, pki.ClickHouse)
	if err != nil {
		return err
	}
	keys, err := seal.LoadRing(filepath.Join(dir, "key"))
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // any end of it is the end
		stop()
	}()
	if config != "" {
		return serveAs(ctx, library, dir, config, first, id.Server())
	}
	var s *clickhouse.Server
	s, err = clickhouse.New(clickhouse.Config{
		Library: library, Dir: filepath.Join(dir, "data"), Listen: "127.0.0.1:0", TLS: id.Server(), Key: keys.Newest(),
		MemoryLimit: memoryLimit, MaxSessions: sessions,
		Timeouts: server.Timeouts{Receive: patience, Send: patience},
		Ready:    func() { fmt.Println(s.Addr()) },
		Log:      slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		return err
	}
	return s.Run(ctx)
}
