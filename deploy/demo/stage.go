package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
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

	model          *llmtest.Server // of a scripted model
	shop, midwatch *process
	served         chan struct{} // closed when the shop serves
}

// environment is the demo's.
const environment = "demo"

// apiAddress is where `midwatch up` listens by default.
const apiAddress = "https://127.0.0.1:18420"

func (s *Stage) config() string { return filepath.Join(s.Data, "midwatch.yaml") }

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

// Configure writes Midwatch's configuration: what the shop wants it to know, which is log files and what a fix may do.
func (s *Stage) Configure(ctx context.Context) error {
	actions, err := run(ctx, nil, s.Shop, "actions", "--dir", s.ShopDir, "--names", s.Names)
	if err != nil {
		return err
	}
	globs, err := run(ctx, nil, s.Shop, "paths", "--dir", s.ShopDir)
	if err != nil {
		return err
	}
	var file map[string]any
	if err := yaml.Unmarshal([]byte(actions), &file); err != nil {
		return fmt.Errorf("read the shop's actions: %w", err)
	}
	var logs []map[string]string
	for _, g := range strings.Fields(globs) {
		logs = append(logs, map[string]string{"path": g})
	}
	file["environment"], file["node_agent"] = environment, map[string]any{"logs": logs, "environment": s.NodeEnvironment}
	if s.Providers != nil {
		file["ai"] = s.Providers
	}
	b, err := yaml.Marshal(file)
	if err != nil {
		return err
	}
	return os.WriteFile(s.config(), b, 0o600)
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
	}, s.Midwatch, "up", "--data", s.Data, "--config", s.config(), "--log-level", "warn", "--quiet")
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

// PID is the process id of `midwatch up`.
func (s *Stage) PID() int { return s.midwatch.cmd.Process.Pid }

// URL is the address of the web UI.
func (s *Stage) URL() string { return apiAddress }

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
	return client.New(apiAddress, trust, token), nil
}

// Token makes a token for a person with the given role.
func (s *Stage) Token(ctx context.Context, role string) (string, error) {
	token, err := run(ctx, nil, s.Midwatch, "token", "create", "--subject", "demo-"+role, "--role", role, "--data", s.Data, "--config", s.config())
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
