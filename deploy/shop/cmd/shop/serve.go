package main

import (
	"context"
	"flag"
	"log/slog"
	"os"

	"github.com/midwatch/midwatch/deploy/shop/batch"
	"github.com/midwatch/midwatch/deploy/shop/load"
	"github.com/midwatch/midwatch/deploy/shop/plan"
	"github.com/midwatch/midwatch/deploy/shop/release"
	"github.com/midwatch/midwatch/deploy/shop/service"
)

// serve is a stamped executable's main.
func serve(ctx context.Context, stamp release.Stamp) error {
	config := flag.String("config", "", "configuration file")
	threads := flag.Int("threads", 1, "threads of a batch job")
	flag.Parse()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if stamp.Role == plan.Batch {
		ready()
		return batch.Run(ctx, *threads)
	}
	cfg, err := service.ReadConfig(*config)
	if err != nil {
		return err
	}
	if stamp.Role == plan.Load {
		return load.Run(ctx, load.Config{Gateway: cfg.Upstreams[plan.Gateway], Rate: cfg.Rate, Log: log, Ready: ready})
	}
	return service.Run(ctx, stamp, cfg, log, ready)
}

// ready tells the supervisor, through the descriptor it passed, that the program serves.
func ready() {
	f := os.NewFile(3, "ready")
	_, _ = f.WriteString("+") // started by hand there is nobody to tell
	_ = f.Close()
}
