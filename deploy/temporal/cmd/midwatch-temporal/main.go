// Command midwatch-temporal runs the embedded Temporal server and its web UI. `midwatch up` starts it as one of its parts.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/midwatch/midwatch/deploy/temporal"
)

// readyFD names the environment variable with the descriptor to which one newline is written when the part serves.
const readyFD = "MIDWATCH_READY_FD"

func main() { os.Exit(run()) }

func run() int {
	var cfg temporal.Config
	var clients, level string
	flag.StringVar(&cfg.DB, "db", "temporal.db", "SQLite `file`, made when missing")
	flag.StringVar(&cfg.Listen, "listen", "127.0.0.1:17233", "`address` of the gRPC frontend")
	flag.StringVar(&cfg.UIListen, "ui-listen", "127.0.0.1:18233", "`address` of the web UI, on loopback unless -ui-clients; empty for none")
	flag.StringVar(&cfg.PKI, "pki", "pki", "`directory` with ca.pem, temporal.pem and temporal-key.pem")
	flag.StringVar(&cfg.Namespace, "namespace", "midwatch", "`name` of the namespace; another with -watch behind it is made for the schedules")
	flag.DurationVar(&cfg.Retention, "retention", 30*24*time.Hour, "how long closed workflows are kept")
	flag.IntVar(&cfg.ContinueAfter, "continue-after", 0, "`events` of a history after which its workflow continues as a new one; 0: 4096")
	flag.StringVar(&cfg.CodecEndpoint, "codec-endpoint", "", "`URL` of the codec server that the browser asks for plain payloads")
	flag.StringVar(&cfg.UIPath, "ui-path", "", "`path` under which a reverse proxy shows the web UI, such as /temporal")
	flag.StringVar(&clients, "ui-clients", "", "`parts` whose certificate may use the web UI, such as api,cli; empty: any browser on this machine")
	flag.StringVar(&level, "log-level", "error", "debug, info, warn or error")
	flag.Parse()
	if clients != "" {
		cfg.UIClients = strings.Split(clients, ",")
	}
	var threshold slog.Level
	if err := threshold.UnmarshalText([]byte(level)); err != nil {
		fmt.Fprintf(os.Stderr, "error: --log-level %q: want debug, info, warn or error\n", level)
		return 2
	}
	log.SetOutput(io.Discard) // the UI's libraries talk there
	cfg.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: threshold}))
	cfg.Ready = ready
	if err := serve(cfg); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		return 1
	}
	return 0
}

func serve(cfg temporal.Config) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s, err := temporal.New(cfg)
	if err != nil {
		return err
	}
	return s.Run(ctx)
}

// ready tells the supervisor; without one there is nobody to tell.
func ready() {
	fd, err := strconv.Atoi(os.Getenv(readyFD))
	if err != nil || fd < 3 {
		return
	}
	f := os.NewFile(uintptr(fd), "ready")
	_, _ = f.WriteString("\n")
	_ = f.Close()
}
