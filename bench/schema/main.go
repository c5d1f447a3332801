// Command schema fills variants of Midwatch's tables of logs and spans, and the tables of OpenTelemetry's ClickHouse exporter, with the same rows,
// and prints what each costs: bytes on disk, CPU of the store for inserting and merging, CPU and time of everyday questions.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/midwatch/midwatch/bench/figure"
	"github.com/midwatch/midwatch/bench/rig"
	"github.com/midwatch/midwatch/internal/store"
)

type options struct {
	programs    rig.Programs
	data        string
	peer        string // directory of the exporter's SQL templates
	only        []string
	logs, spans int
	runs        int
	keep        bool
}

func main() { os.Exit(figure.Main(bench)) }

func bench(ctx context.Context, args []string) ([]figure.Figure, error) {
	o, err := parse(args)
	if err != nil {
		return nil, err
	}
	return nil, measureAll(ctx, o)
}

func parse(args []string) (o options, err error) {
	f := flag.NewFlagSet("schema", flag.ContinueOnError)
	f.StringVar(&o.programs.Midwatch, "midwatch", "bin/midwatch", "the program whose store and schema are measured")
	f.StringVar(&o.data, "data", "", "`directory` that keeps the rows for the next time (default: one that is removed)")
	f.StringVar(&o.peer, "peer", "", "`directory` with the exporter's SQL templates; none: only variants of ours")
	only := f.String("only", "", "`names` of variants, separated by commas (default: all)")
	f.IntVar(&o.logs, "logs", 1_000_000, "log records")
	f.IntVar(&o.spans, "spans", 400_000, "spans")
	f.IntVar(&o.runs, "runs", 9, "times that each question is asked")
	f.BoolVar(&o.keep, "keep", false, "keep the variants' tables, until they are measured again")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	o.programs.Midwatch, err = filepath.Abs(o.programs.Midwatch)
	return o, err
}

func measureAll(ctx context.Context, o options) (err error) {
	if o.data == "" {
		if o.data, err = os.MkdirTemp("", "midwatch-bench-schema-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(o.data)) }()
	}
	s, err := rig.Store(ctx, o.programs, "schema", o.data)
	defer func() { err = errors.Join(err, s.Close()) }()
	if err != nil {
		return err
	}
	if err := fresh(ctx, s.DB); err != nil {
		return err
	}
	if err := makeRaw(ctx, s.DB, o.logs, o.spans); err != nil {
		return err
	}
	all, err := variants(ctx, s.DB, o)
	if err != nil {
		return err
	}
	for _, v := range all {
		if len(o.only) > 0 && !slices.ContainsFunc(o.only, func(p string) bool { return strings.HasPrefix(v.name, p) }) {
			continue
		}
		if err := measure(ctx, s, o, v); err != nil {
			return fmt.Errorf("%s: %w", v.name, err)
		}
	}
	return nil
}

// fresh makes this program's schema, whatever the directory has besides the raw rows.
func fresh(ctx context.Context, db *store.DB) error {
	for _, engines := range []string{"engine IN ('View', 'MaterializedView')", "1"} { // views first
		var tables []string
		if err := db.QueryRow(ctx, "SELECT groupArray(name) FROM system.tables WHERE database = currentDatabase() AND NOT startsWith(name, 'raw_') AND NOT endsWith(name, '_peer') AND NOT endsWith(name, '_peer_trace_id_ts') AND NOT endsWith(name, '_peer_trace_id_ts_mv') AND "+engines).Scan(&tables); err != nil {
			return err
		}
		for _, t := range tables {
			if err := db.Exec(ctx, "DROP TABLE IF EXISTS `"+t+"`"); err != nil {
				return err
			}
		}
	}
	return store.Migrate(ctx, db)
}
