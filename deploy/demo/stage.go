package demo

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/midwatch/midwatch/api/client"
	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/llm/llmtest"
)

// Stage is what runs during a demo: Midwatch, and the shop, as child processes.
type Stage struct {
	Midwatch string // path of midwatch
	Shop     string // path of shop
	Data     string // Midwatch's data directory
	ShopDir  string // the shop's directory
	Names    string // file with the plan of the shop's names
	Say      *Narrator
	// NodeEnvironment is where this machine's own telemetry goes; "" is the demo's.
	NodeEnvironment string
	// Providers is the configuration's section ai:; nil: no model.
	Providers any
	// Settings are more sections of the configuration file, by name; one that the stage writes itself is replaced.
	Settings map[string]any
	// API is where Midwatch's api listens, host:port; "": where `midwatch up` listens by default.
	API string

	model          *llmtest.Server // of a scripted model
	shop, midwatch *process
	served         chan struct{} // closed when the shop serves
}

// Environment is the demo's.
const Environment = "demo"

// apiAddress is where `midwatch up` listens by default.
const apiAddress = "127.0.0.1:18420"

// Config is the path of Midwatch's configuration.
func (s *Stage) Config() string { return filepath.Join(s.Data, "midwatch.yaml") }

// StartShop starts the shop; it serves some seconds later, see WaitShop.
func (s *Stage) StartShop() (err error) {
	s.served = make(chan struct{})
	s.shop, err = spawn(s.Data, "shop", func(line string) {
		if strings.Contains(line, "the shop serves") {
			close(s.served)
		}
	}, s.Shop, "up", "--dir", s.ShopDir, "--names", s.Names)
	return err
}

// WaitShop returns when the shop serves its customers.
func (s *Stage) WaitShop(ctx context.Context) error {
	return s.Say.waitFor(ctx, "the shop to serve", 2*time.Minute, func() (bool, error) {
		select {
		case <-s.served:
			return true, nil
		default:
			return false, fatal(s.shop.ended())
		}
	})
}

// Configure writes Midwatch's configuration: what the shop, if there is one, wants it to know, which is log files and what a
// fix may do.
func (s *Stage) Configure(ctx context.Context) error {
	file := map[string]any{}
	if s.Shop != "" {
		if err := s.ofTheShop(ctx, file); err != nil {
			return err
		}
	}
	file["environment"] = Environment
	if s.Providers != nil {
		file["ai"] = s.Providers
	}
	maps.Copy(file, s.Settings)
	b, err := yaml.Marshal(file)
	if err != nil {
		return err
	}
	return os.WriteFile(s.Config(), b, 0o600)
}

// ofTheShop adds the sections that the shop has something to say about.
func (s *Stage) ofTheShop(ctx context.Context, file map[string]any) error {
	actions, err := run(ctx, nil, s.Shop, "actions", "--dir", s.ShopDir, "--names", s.Names)
	if err != nil {
		return err
	}
	globs, err := run(ctx, nil, s.Shop, "paths", "--dir", s.ShopDir)
	if err != nil {
		return err
	}
	if err := yaml.Unmarshal([]byte(actions), &file); err != nil {
		return fmt.Errorf("read the shop's actions: %w", err)
	}
	var logs []map[string]string
	for _, g := range strings.Fields(globs) {
		logs = append(logs, map[string]string{"path": g})
	}
	file["node_agent"] = map[string]any{"logs": logs, "environment": s.NodeEnvironment}
	return nil
}

// StartMidwatch starts Midwatch and returns when every part is ready and, with Providers, AI is switched on.
func (s *Stage) StartMidwatch(ctx context.Context) (err error) {
	up := make(chan struct{})
	s.midwatch, err = spawn(s.Data, "midwatch", func(line string) {
		if strings.HasPrefix(line, "Midwatch is up") {
			close(up)
		}
		if strings.TrimSpace(line) != "" {
			s.Say.Line("  %s", strings.TrimSpace(line))
		}
	}, s.Midwatch, "up", "--data", s.Data, "--config", s.Config(), "--log-level", "warn", "--quiet")
	if err != nil {
		return err
	}
	err = s.Say.waitFor(ctx, "Midwatch to be ready", 2*time.Minute, func() (bool, error) {
		select {
		case <-up:
			return true, nil
		default:
			return false, fatal(s.midwatch.ended())
		}
	})
	if err != nil || s.Providers == nil {
		return err
	}
	return s.switchAI(ctx)
}

// Part finds the process of a part among the children of `midwatch up`, by the first words of its command: "worker" (the one that
// orchestrates), "worker --role sandbox", "temporal". It returns false while there is none.
func (s *Stage) Part(words string) (pid int, ok bool) {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, false
	}
	for _, dir := range dirs {
		stat, err := os.ReadFile(filepath.Join(dir, "stat"))
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		fields := strings.Fields(rest)
		if len(fields) < 2 || fields[1] != strconv.Itoa(s.midwatch.cmd.Process.Pid) || fields[0] == "Z" {
			continue
		}
		cmdline, err := os.ReadFile(filepath.Join(dir, "cmdline"))
		if err != nil {
			continue
		}
		args := strings.ReplaceAll(string(cmdline), "\x00", " ")
		if strings.Contains(args, "/midwatch "+words+" ") && (words != "worker" || strings.Contains(args, "orchestrate")) ||
			strings.Contains(args, "/midwatch-"+words+" ") {
			pid, err = strconv.Atoi(filepath.Base(dir))
			return pid, err == nil
		}
	}
	return 0, false
}

// URL is the address of the web UI.
func (s *Stage) URL() string { return "https://" + cmp.Or(s.API, apiAddress) }

// Client signs in as a person with the given role.
func (s *Stage) Client(ctx context.Context, role string) (*client.Client, error) {
	token, err := s.Token(ctx, role)
	if err != nil {
		return nil, err
	}
	trust, err := pki.Trust(filepath.Join(s.Data, "pki"), pki.API)
	if err != nil {
		return nil, err
	}
	return client.New(s.URL(), trust, token), nil
}

// Token makes a token for a person with the given role.
func (s *Stage) Token(ctx context.Context, role string) (string, error) {
	token, err := run(ctx, nil, s.Midwatch, "token", "create", "--subject", "demo-"+role, "--role", role, "--data", s.Data, "--config", s.Config())
	return strings.TrimSpace(token), err
}

// Fault breaks the shop, or mends it ("clear"). The name goes by standard input: no process list shows it.
func (s *Stage) Fault(ctx context.Context, name string) error {
	if _, err := run(ctx, strings.NewReader(name), s.Shop, "fault", "-", "--dir", s.ShopDir); err != nil {
		return fmt.Errorf("break the shop: %w", err)
	}
	return nil
}

// StopShop ends the shop, so that another can be started.
func (s *Stage) StopShop() {
	if s.shop != nil {
		s.shop.stop()
		s.shop = nil
	}
}

// Stop ends everything.
func (s *Stage) Stop() {
	s.StopShop()
	if s.model != nil {
		s.model.Close()
		s.model = nil
	}
	if s.midwatch != nil {
		s.midwatch.stop()
	}
}
