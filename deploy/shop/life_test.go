package shop_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/midwatch/midwatch/deploy/shop/control"
	"github.com/midwatch/midwatch/deploy/shop/fault"
	"github.com/midwatch/midwatch/deploy/shop/plan"
	"github.com/midwatch/midwatch/deploy/shop/release"
)

// TestSupervisorKilled: children do not outlive the supervisor, however it ends.
func TestSupervisorKilled(t *testing.T) {
	r := start(t, 11, nil)
	pids := r.pids()
	if err := r.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = r.cmd.Wait() // killed
	gone(t, pids)
	if group := r.group(); group != "" { // the next shop in the directory would take it over
		if err := os.Remove(group); err != nil {
			t.Error(err)
		}
	}
	if err := r.Restart(t.Context(), r.Plan.Programs[plan.Cart].Name); !errors.Is(err, control.ErrDown) {
		t.Errorf("Restart without a supervisor: %v", err)
	}
}

// TestCrash: a service that is killed comes back, and what it cannot do is refused with a reason.
func TestCrash(t *testing.T) {
	r := start(t, 12, nil)
	r.healthy()
	name := r.Plan.Programs[plan.Cart].Name
	was := r.process(name)
	if err := syscall.Kill(was.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "cart runs again", func() bool { now := r.process(name); return now.PID != 0 && now.PID != was.PID })
	r.healthy()

	ctx := t.Context()
	for what, c := range map[string]struct{ got, want error }{
		"restart of a stranger":         {r.Restart(ctx, "sshd"), control.ErrUnknown},
		"restart of redis":              {r.Restart(ctx, r.Plan.Redis.Name), control.ErrUnknown},
		"version without one before":    {r.RollbackVersion(ctx, name), release.ErrNoPrevious},
		"configuration without another": {r.RollbackConfig(ctx, name), control.ErrNoPrevious},
		"limit of a service":            {r.RaiseLimit(ctx, name), control.ErrUnknown},
		"unknown fault":                 {fault.Inject(ctx, r.Shop, program, "plague"), fault.ErrUnknown},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s: got %v, want %v", what, c.got, c.want)
		}
	}
	second := exec.Command(program, "up", "--dir", string(r.Dir))
	if out, err := second.CombinedOutput(); err == nil || !strings.Contains(string(out), "a shop runs in this directory already") {
		t.Errorf("a second shop in the same directory: %v, %s", err, out)
	}
}

// TestOrdinaryUser: without root the shop runs as whoever starts it, and the leak still ends checkout.
func TestOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the other tests run as an ordinary user already")
	}
	nobody := &syscall.Credential{Uid: 65534, Gid: 65534}
	r := start(t, 13, nobody)
	r.healthy()
	if err := fault.Inject(context.Background(), r.Shop, program, "memory-leak"); err != nil {
		t.Fatal(err)
	}
	checkout := r.Plan.Programs[plan.Checkout].Name
	eventually(t, "checkout ends at its limit", func() bool { return r.process(checkout).Starts > 1 })
	if err := r.Restart(context.Background(), checkout); err != nil {
		t.Fatal(err)
	}
	r.healthy()
	pids := r.pids()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("shop up: %v\n%s", err, r.out)
	}
	gone(t, pids)
}
