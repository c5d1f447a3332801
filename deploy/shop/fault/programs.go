package fault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/midwatch/midwatch/deploy/shop/home"
	"github.com/midwatch/midwatch/deploy/shop/plan"
	"github.com/midwatch/midwatch/deploy/shop/release"
	"github.com/midwatch/midwatch/deploy/shop/service"
)

// What the switches are turned to.
var (
	leaking            = service.Switches{KeepBytes: 768 << 10} // about 8 MB/s of orders: full in ten seconds
	keepingConnections = service.Switches{KeepConnections: true}
	pausing            = service.Switches{Pause: 400 * time.Millisecond}
	remarking          = service.Switches{Remarks: 3}
)

// flip turns a service's switches while it runs.
func (in injector) flip(role plan.Role, to service.Switches) error {
	b, err := yaml.Marshal(to)
	if err != nil {
		return err
	}
	file := in.Dir.Switches(in.Plan.Programs[role].Name)
	if err := os.WriteFile(file+".new", b, 0o644); err != nil { //nolint:gosec // the service runs as another user
		return err
	}
	return os.Rename(file+".new", file)
}

// unflip restarts the services whose switches were turned: what they kept has to go too.
func (in injector) unflip(ctx context.Context) error {
	var errs []error
	for _, role := range plan.Services() {
		name := in.Plan.Programs[role].Name
		if _, err := os.Stat(in.Dir.Switches(name)); err == nil {
			errs = append(errs, in.Restart(ctx, name))
		}
	}
	return errors.Join(errs...)
}

// deploy brings a service's next version.
func (in injector) deploy(ctx context.Context, role plan.Role, failEvery int) error {
	p := in.Plan.Programs[role]
	stamp := release.Stamp{Role: role, Name: p.Name, Version: p.Next, FailEvery: failEvery}
	if err := release.Deploy(in.Dir, in.program, stamp); err != nil {
		return err
	}
	return in.Restart(ctx, p.Name)
}

// undeploy goes back to the planned version wherever another one is current, and forgets the other one.
func (in injector) undeploy(ctx context.Context) error {
	var errs []error
	for _, role := range plan.Services() {
		p := in.Plan.Programs[role]
		version, err := release.Current(in.Dir, p.Name)
		if err == nil && version != p.Version {
			err = in.RollbackVersion(ctx, p.Name)
		}
		errs = append(errs, err, forget(in.Dir, p.Name))
	}
	return errors.Join(errs...)
}

func forget(dir home.Dir, name string) error {
	err := os.Remove(filepath.Join(dir.Service(name), "previous"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// misconfigure sends checkout's charges to a port where nobody listens.
func (in injector) misconfigure(ctx context.Context) error {
	name, port := in.Plan.Programs[plan.Checkout].Name, in.Plan.Programs[plan.Payment].Port
	text, err := os.ReadFile(in.Dir.Config(name))
	if err != nil {
		return err
	}
	wrong := strings.ReplaceAll(string(text), fmt.Sprintf(":%d", port), fmt.Sprintf(":%d", port+1000))
	if wrong == string(text) {
		return nil // it is wrong already
	}
	if err := in.Configure(name, []byte(wrong)); err != nil {
		return err
	}
	return in.Restart(ctx, name)
}

// reconfigure puts the right port back and forgets the wrong configuration.
func (in injector) reconfigure(ctx context.Context) error {
	name, port := in.Plan.Programs[plan.Checkout].Name, in.Plan.Programs[plan.Payment].Port
	text, err := os.ReadFile(in.Dir.Config(name))
	if err != nil {
		return err
	}
	if right := strings.ReplaceAll(string(text), fmt.Sprintf(":%d", port+1000), fmt.Sprintf(":%d", port)); right != string(text) {
		if err := home.Replace(in.Dir.Config(name), []byte(right)); err != nil {
			return err
		}
		if err := in.Restart(ctx, name); err != nil {
			return err
		}
	}
	if err := os.Remove(in.Dir.PreviousConfig(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
