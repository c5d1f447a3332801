package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// options are the command's flags.
type options struct {
	bin   string // directory of what `make build` built
	seed  uint64
	kills int
	only  int // this kill of the plan alone; 0: all
	out   io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o := options{out: os.Stdout}
	flag.StringVar(&o.bin, "bin", "bin", "directory of what `make build` built")
	flag.Uint64Var(&o.seed, "seed", 1, "draws the kills and their moments")
	flag.IntVar(&o.kills, "kills", 40, "how many")
	flag.IntVar(&o.only, "only", 0, "this kill of the plan alone, by its number")
	flag.Parse()
	if err := rampage(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

// rampage carries out a plan and prints a line per kill. It returns an error if any investigation was not as it should be.
func rampage(ctx context.Context, o options) (err error) {
	bin, err := filepath.Abs(o.bin)
	if err != nil {
		return err
	}
	began := time.Now()
	s, err := start(ctx, bin, o.out)
	if err != nil {
		return err
	}
	defer s.end()
	want, err := s.undisturbed(ctx)
	if err != nil {
		return err
	}
	kills := schedule(o.seed, o.kills)
	fmt.Fprintf(o.out, "\n%d kills, seed %d\n", len(kills), o.seed)
	if o.only > 0 && o.only <= len(kills) {
		kills = kills[o.only-1 : o.only]
	}
	var runs []*run
	failed, done := 0, time.Now()
	for n, k := range kills {
		at := time.Now()
		r := s.newRun(fmt.Sprintf("storefront-%02d", k.number), k.seed)
		err := r.survives(ctx, k, want)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		verdict := "ok"
		if err != nil {
			failed++
			verdict = "FAILED: " + err.Error()
		}
		runs = append(runs, r)
		left := time.Since(done) / time.Duration(n+1) * time.Duration(len(kills)-n-1)
		fmt.Fprintf(o.out, "%2d/%d  %-42s kill %-16s %5.1f s  %s%s  (%s left)\n",
			k.number, o.kills, k.phase.name+r.detail(), k.victim, time.Since(at).Seconds(), verdict, r.said(), left.Round(time.Second))
	}
	if err := s.aftermath(ctx, runs); err != nil {
		failed++
		fmt.Fprintln(o.out, "FAILED:", err)
	}
	fmt.Fprintf(o.out, "\n%d kills, %d model calls, %d fixes applied, %.0f s\n", len(runs), s.model.Count(), len(s.applied()), time.Since(began).Seconds())
	if failed > 0 {
		return fmt.Errorf("%d of %d did not end as an undisturbed investigation does; the logs are in %s", failed, len(runs), s.keep())
	}
	return nil
}
