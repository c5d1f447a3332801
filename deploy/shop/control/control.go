// Package control is how a running shop is operated: restart a service, go back to the version or configuration
// before, put a limit back to its reviewed value. Each call returns when its effect is there.
package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/midwatch/midwatch/deploy/shop/backstage"
	"github.com/midwatch/midwatch/deploy/shop/home"
	"github.com/midwatch/midwatch/deploy/shop/plan"
	"github.com/midwatch/midwatch/deploy/shop/release"
	"github.com/midwatch/midwatch/deploy/shop/supervisor"
)

// Errors of this package.
var (
	ErrDown       = errors.New("no shop runs there")
	ErrUnknown    = errors.New("no such service")
	ErrNoPrevious = errors.New("no configuration before this one")
	ErrRefused    = errors.New("the shop refused")
)

// Shop is a running shop.
type Shop struct {
	Dir  home.Dir
	Plan plan.Plan
	http *http.Client
}

// Open reads the plan of the shop in dir, which exists from early in its start to its end. It wraps ErrDown.
func Open(dir home.Dir) (*Shop, error) {
	p, err := plan.Read(dir.Plan())
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w (%s): start one with shop up --dir %s", ErrDown, dir, dir)
	}
	if err != nil {
		return nil, err
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) { return home.DialUnix(ctx, dir.Control()) }
	return &Shop{Dir: dir, Plan: p, http: &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}}, nil
}

// Restart gives a service a new process: the new one serves before the old one stops.
func (s *Shop) Restart(ctx context.Context, name string) error {
	if err := s.service(name); err != nil {
		return err
	}
	return s.call(ctx, http.MethodPost, "/restart/"+name, nil)
}

// RollbackVersion goes back to the version before and restarts. It wraps release.ErrNoPrevious.
func (s *Shop) RollbackVersion(ctx context.Context, name string) error {
	if err := s.service(name); err != nil {
		return err
	}
	if _, err := release.Rollback(s.Dir, name); err != nil {
		return err
	}
	return s.Restart(ctx, name)
}

// RollbackConfig goes back to the configuration before and restarts. It wraps ErrNoPrevious.
func (s *Shop) RollbackConfig(ctx context.Context, name string) error {
	if err := s.service(name); err != nil {
		return err
	}
	previous, err := os.ReadFile(s.Dir.PreviousConfig(name))
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("roll back configuration of %s: %w", name, ErrNoPrevious)
	}
	if err != nil {
		return fmt.Errorf("roll back configuration of %s: %w", name, err)
	}
	if err := s.Configure(name, previous); err != nil {
		return err
	}
	return s.Restart(ctx, name)
}

// Configure replaces a service's configuration and keeps the one it had. Nothing is restarted.
func (s *Shop) Configure(name string, content []byte) error {
	was, err := os.ReadFile(s.Dir.Config(name))
	if err != nil {
		return fmt.Errorf("configure %s: %w", name, err)
	}
	if err := os.WriteFile(s.Dir.PreviousConfig(name), was, 0o600); err != nil {
		return fmt.Errorf("configure %s: %w", name, err)
	}
	if err := home.Replace(s.Dir.Config(name), content); err != nil {
		return fmt.Errorf("configure %s: %w", name, err)
	}
	return nil
}

// RaiseLimit puts Redis' maxmemory back to the reviewed limit.
func (s *Shop) RaiseLimit(ctx context.Context, name string) error {
	if name != s.Plan.Redis.Name {
		return fmt.Errorf("raise limit of %s: %w with a reviewed limit; there is %s", name, ErrUnknown, s.Plan.Redis.Name)
	}
	rdb := backstage.Redis(s.Dir)
	err := rdb.ConfigSet(ctx, "maxmemory", s.Plan.Redis.Limit).Err()
	if err := errors.Join(err, rdb.Close()); err != nil {
		return fmt.Errorf("raise limit of %s: %w", name, err)
	}
	return nil
}

// StartBatch starts the batch job, StopBatch stops it. Both may be repeated.
func (s *Shop) StartBatch(ctx context.Context) error {
	return s.call(ctx, http.MethodPost, "/batch", nil)
}

// StopBatch stops the batch job.
func (s *Shop) StopBatch(ctx context.Context) error {
	return s.call(ctx, http.MethodDelete, "/batch", nil)
}

// Processes lists the shop's processes.
func (s *Shop) Processes(ctx context.Context) ([]supervisor.Process, error) {
	var out []supervisor.Process
	return out, s.call(ctx, http.MethodGet, "/processes", &out)
}

func (s *Shop) service(name string) error {
	var known []string
	for _, role := range plan.Services() {
		if s.Plan.Programs[role].Name == name {
			return nil
		}
		known = append(known, s.Plan.Programs[role].Name)
	}
	return fmt.Errorf("%s: %w; there are %s", name, ErrUnknown, strings.Join(known, ", "))
}

func (s *Shop) call(ctx context.Context, method, path string, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://shop"+path, nil)
	if err != nil {
		return err
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return fmt.Errorf("%w (%s): start one with shop up --dir %s: %w", ErrDown, s.Dir, s.Dir, err)
	}
	defer resp.Body.Close() //nolint:errcheck // read only
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	switch {
	case err != nil:
		return err
	case resp.StatusCode >= 400:
		return fmt.Errorf("%w: %s", ErrRefused, strings.TrimSpace(string(body)))
	case out == nil:
		return nil
	}
	return json.Unmarshal(body, out)
}
