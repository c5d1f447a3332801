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

	"github.com/midwatch/midwatch/deploy/clickhouse"
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
	flag.Parse()
	err := serve(*library, *dir, *sessions)
	if *remove {
		err = errors.Join(err, os.RemoveAll(*dir))
	}
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

func serve(library, dir string, sessions int) error {
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
	var s *clickhouse.Server
	s, err = clickhouse.New(clickhouse.Config{
		Library: library, Dir: filepath.Join(dir, "data"), Listen: "127.0.0.1:0", TLS: id.Server(), Key: keys.Newest(),
		MemoryLimit: memoryLimit, MaxSessions: sessions,
		Ready: func() { fmt.Println(s.Addr()) },
		Log:   slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		return err
	}
	return s.Run(ctx)
}
