package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/spf13/cobra"

	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/config"
	"github.com/midwatch/midwatch/internal/health"
	"github.com/midwatch/midwatch/internal/seal"
)

// installation is one Midwatch on one machine: its data directory, its settings and how it logs.
type installation struct {
	settings settings
	config   string // path of the YAML file, "" for none
	level    string
	log      *slog.Logger

	self   *pki.Identity  // read last; nil: none yet
	probes *health.Server // of the part that runs; nil: nobody asks
	served atomic.Bool    // the part that runs is ready, or was
}

func (in *installation) flags(cmd *cobra.Command) {
	f := cmd.PersistentFlags()
	f.StringVar(&in.config, "config", os.Getenv("MIDWATCH_CONFIG"), "configuration `file`, see midwatch config example (MIDWATCH_CONFIG)")
	f.StringVar(&in.settings.Data, "data", "", "data directory (MIDWATCH_DATA; default /var/lib/midwatch as root, else ~/.local/share/midwatch)")
	f.StringVar(&in.level, "log-level", "info", "debug, info, warn or error")
}

// load merges defaults, file, environment and flags, in that order.
func (in *installation) load(cmd *cobra.Command) error {
	var level slog.Level
	if err := level.UnmarshalText([]byte(in.level)); err != nil {
		return fmt.Errorf("--log-level %q: want debug, info, warn or error", in.level)
	}
	in.log = logger(level)
	slog.SetDefault(in.log)
	flag := in.settings.Data
	in.settings = defaults()
	if err := config.Load(in.config, in.settings.sections()); err != nil {
		return err
	}
	if err := in.settings.validate(); err != nil {
		return err
	}
	if v := os.Getenv("MIDWATCH_DATA"); v != "" {
		in.settings.Data = v
	}
	if cmd.Flags().Changed("data") {
		in.settings.Data = flag
	}
	data, err := filepath.Abs(in.settings.Data)
	if err != nil {
		return err
	}
	in.settings.Data = data
	return nil
}

// path is a file or directory under the data directory.
func (in *installation) path(elem ...string) string {
	return filepath.Join(append([]string{in.settings.Data}, elem...)...)
}

func (in *installation) identity(part string) (*pki.Identity, error) {
	id, err := pki.Load(in.path("pki"), part)
	if err != nil {
		return nil, fmt.Errorf("%w (`midwatch up` makes it)", err)
	}
	id.Log = in.log
	in.self = id
	return id, nil
}

// whoever is the identity this process has or, for a tool of an operator, may have: an api's pod has no other than the api's.
func (in *installation) whoever() (*pki.Identity, error) {
	if in.self != nil {
		return in.self, nil
	}
	if id, err := in.identity(pki.CLI); err == nil {
		return id, nil
	}
	return in.identity(pki.API)
}

func (in *installation) ring(name string) (*seal.Ring, error) {
	return seal.LoadRing(in.path("keys", name))
}

// prepare makes what every part expects to find: directories, certificates and keys.
func (in *installation) prepare() error {
	for _, dir := range []string{"", "logs", "keys"} {
		if err := in.makeDir(dir); err != nil {
			return err
		}
	}
	if err := pki.Ensure(in.path("pki")); err != nil {
		return err
	}
	return makeKeys(in.path("keys"))
}

// makeDir makes a directory under the data directory, for its owner alone.
func (in *installation) makeDir(name string) error {
	if err := os.MkdirAll(in.path(name), 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w (choose another with --data)", err)
	}
	return nil
}
