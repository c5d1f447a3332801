package demo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/midwatch/midwatch/api/client"
	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/collector/probe"
	"github.com/midwatch/midwatch/deploy/shop/judge"
	"github.com/midwatch/midwatch/deploy/shop/plan"
)

// ErrNotNamed means Midwatch did not name the culprit, or named another.
var ErrNotNamed = errors.New("the culprit was not named")

// Config is what a demo needs.
type Config struct {
	Midwatch string    // path of midwatch
	Shop     string    // path of shop
	Fault    string    // "" draws one, and keeps it secret until the end
	Yes      bool      // approve without asking
	Ask      io.Reader // where a person answers
	Out      io.Writer
	Recorded bool   // play the recording even where the kernel could be watched
	AI       string // ScriptedModel, or a file with a section ai: whose providers decide; "": the built-in analyst does
	// Show prints an investigation as the CLI does.
	Show func(io.Writer, wire.InvestigationDetail)
	// Approve decides in another way than by asking, such as in a browser; nil asks, or follows Yes.
	Approve func(context.Context, *Stage) error
	// OnPhase is told when a phase begins; nil: nobody is.
	OnPhase func(Phase, *Stage)
}

// Phase is a part of the story.
type Phase string

// The phases, in order.
const (
	Broken   Phase = "broken"
	Alerted  Phase = "alerted"
	Reported Phase = "reported"
	Approved Phase = "approved"
)

// ShopDir is where the demo's shop lives. What takes long to make is kept there from run to run.
const ShopDir = "/var/tmp/midwatch-shop"

// healthy is how long the shop is watched before it is broken: what Midwatch compares with.
const healthy = 22 * time.Second

// Run plays the story to its end. It wraps ErrNotNamed when the report is wrong.
func Run(ctx context.Context, cfg Config) error {
	fault, err := choose(cfg.Fault)
	if err != nil {
		return err
	}
	s, err := newStage(cfg)
	if err != nil {
		return err
	}
	defer func() { s.end() }()
	if os.Getuid() != 0 {
		s.Say.Line("not root, and the kernel lets only root look: playing a recording of the shop instead")
		cfg.Recorded = true
	}
	if cfg.AI != "" {
		if s.Providers, err = s.providers(cfg.AI, fault); err != nil {
			return err
		}
	}
	if cfg.Recorded {
		return playback(ctx, cfg, s, fault)
	}
	if err := ours(s.ShopDir); err != nil {
		return err
	}
	c, err := open(ctx, s)
	var blind blindError
	if errors.As(err, &blind) {
		s.Say.Line("no eBPF here (%v): playing a recording of the shop instead", blind.error)
		s.end()
		if s, err = newStage(cfg); err != nil {
			return err
		}
		if cfg.AI != "" {
			if s.Providers, err = s.providers(cfg.AI, fault); err != nil {
				return err
			}
		}
		return playback(ctx, cfg, s, fault)
	}
	if err != nil {
		return err
	}
	return play(ctx, cfg, s, c, fault)
}

// ours refuses a directory that somebody else made: what is in it runs as root.
func ours(dir string) error {
	info, err := os.Lstat(dir)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !info.IsDir() || !ok || int(st.Uid) != os.Getuid() || info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%s is not a directory that only this user can change: remove it", dir)
	}
	return nil
}

func newStage(cfg Config) (*Stage, error) {
	data, err := os.MkdirTemp("/var/tmp", "midwatch-demo-")
	if err != nil {
		return nil, err
	}
	names, err := plan.Default().YAML()
	if err != nil {
		return nil, err
	}
	s := &Stage{
		Midwatch: cfg.Midwatch, Shop: cfg.Shop, Data: data, ShopDir: ShopDir, Names: filepath.Join(data, "names.yaml"), Say: NewNarrator(cfg.Out),
	}
	return s, os.WriteFile(s.Names, names, 0o644)
}

// end stops everything and leaves nothing of Midwatch behind.
func (s *Stage) end() {
	s.Say.Line("stopping")
	s.Stop()
	_ = os.RemoveAll(s.Data)
}

// choose finds the fault by name, or draws one of those Midwatch has a rule for.
func choose(name string) (judge.Fault, error) {
	if name != "" {
		return judge.Find(plan.Default(), name)
	}
	faults, err := judge.Faults(plan.Default())
	if err != nil {
		return judge.Fault{}, err
	}
	var known []judge.Fault
	for _, f := range faults {
		if f.Kind == judge.Known {
			known = append(known, f)
		}
	}
	return known[rand.IntN(len(known))], nil
}

// blindError means that the kernel cannot be watched on this machine.
type blindError struct{ error }

func (e blindError) Unwrap() error { return e.error }

// open starts the shop and Midwatch side by side and watches the shop while it is well. It returns a blindError where the
// kernel refuses.
func open(ctx context.Context, s *Stage) (*client.Client, error) {
	seen := make(chan error, 1)
	go func() { // takes seconds, and nearly always succeeds
		_, err := probe.Check(ctx)
		seen <- err
	}()
	s.Say.Line("starting the shop: five services, PostgreSQL, Redis and customers")
	if err := s.StartShop(); err != nil {
		return nil, err
	}
	if err := s.Configure(ctx); err != nil {
		return nil, err
	}
	s.Say.Line("starting Midwatch")
	if err := s.StartMidwatch(ctx); err != nil {
		return nil, err
	}
	if err := <-seen; err != nil {
		return nil, blindError{err}
	}
	if err := s.WaitShop(ctx); err != nil {
		return nil, err
	}
	watched := time.Now() // from here on the node agent sees a whole shop
	c, err := s.Client(ctx, "approver")
	if err != nil {
		return nil, err
	}
	return c, s.WarmUp(ctx, c, plan.Default(), watched.Add(healthy))
}

// WarmUp waits until a moment, and until Midwatch has seen every service of the shop.
func (s *Stage) WarmUp(ctx context.Context, c *client.Client, p plan.Plan, until time.Time) error {
	want := map[string]bool{p.Redis.Name: true}
	for _, role := range plan.Services() {
		want[p.Programs[role].Name] = true
	}
	complete := false
	return s.Say.waitFor(ctx, "healthy traffic", 3*time.Minute, func() (bool, error) {
		if complete {
			return time.Now().After(until), nil
		}
		list, err := c.Services(ctx, client.Range{From: time.Now().Add(-30 * time.Second), To: time.Now()})
		if err != nil {
			return false, err
		}
		seen := 0
		for _, row := range list.Services {
			if want[row.Service.Service] && row.Requests > 0 {
				seen++
			}
		}
		if complete = seen == len(want); complete {
			s.Say.Line("Midwatch sees all of the shop; watching it healthy for another %.0f s", max(0, time.Until(until).Seconds()))
		}
		return false, nil
	})
}

// play breaks the shop and follows what comes of it.
func play(ctx context.Context, cfg Config, s *Stage, c *client.Client, fault judge.Fault) error {
	st := &story{say: s.Say, client: c, phase: func(p Phase) {
		if cfg.OnPhase != nil {
			cfg.OnPhase(p, s)
		}
	}}
	st.at.fault = time.Now()
	if err := s.Fault(ctx, fault.Name); err != nil {
		return err
	}
	s.Say.Line("the shop is broken now; nobody told Midwatch how")
	st.phase(Broken)
	inv, err := st.untilReport(ctx)
	if err != nil {
		return err
	}
	cfg.Show(cfg.Out, inv)
	if s.Providers != nil {
		if err := s.tellCalls(ctx, inv.ID); err != nil {
			return err
		}
	}
	return errors.Join(mend(ctx, cfg, s, st), end(cfg.Out, fault, inv, st.at))
}

// mend has the fix approved, if there is one, and waits for the recovery.
func mend(ctx context.Context, cfg Config, s *Stage, st *story) error {
	fix, err := st.fix(ctx)
	if err != nil || fix.ID == "" {
		return err
	}
	switch {
	case cfg.Approve != nil:
		err = cfg.Approve(ctx, s)
	case cfg.Yes || asked(cfg, "Approve this fix? [y/N] "):
		err = st.approve(ctx, fix)
	default:
		_, err = st.client.Reject(ctx, fix.ID, fix.Digest, "not approved in the demo")
		return err
	}
	if err != nil {
		return fmt.Errorf("approve: %w", err)
	}
	st.at.approval = time.Now()
	s.Say.Line("approved; the apply role runs it")
	st.phase(Approved)
	return st.recovery(ctx, fix.ID)
}

func asked(cfg Config, question string) bool {
	fmt.Fprint(cfg.Out, "\n"+question)
	answer, err := bufio.NewReader(cfg.Ask).ReadString('\n')
	return (err == nil || errors.Is(err, io.EOF)) && strings.HasPrefix(strings.ToLower(strings.TrimSpace(answer)), "y")
}

// Verdict is a report in the judge's words.
func Verdict(inv wire.InvestigationDetail) judge.Report {
	return judge.Report{
		Verdict: string(inv.Report.Verdict), Culprit: string(inv.Report.Culprit),
		Mechanism: string(inv.Report.Mechanism), Confidence: inv.Report.Confidence,
	}
}

// end judges the report and prints the timeline.
func end(out io.Writer, fault judge.Fault, inv wire.InvestigationDetail, at timeline) error {
	named, why := judge.Judge(fault, []judge.Report{Verdict(inv)})
	fmt.Fprintf(out, "\n  what was done: %s (%s)\n\n", fault.Story, fault.Name)
	for _, e := range []struct {
		what string
		at   time.Time
	}{{"fault", at.fault}, {"alert", at.alert}, {"report", at.report}, {"approval", at.approval}, {"recovered", at.recovered}} {
		if e.at.IsZero() {
			fmt.Fprintf(out, "  %-10s      –\n", e.what)
			continue
		}
		fmt.Fprintf(out, "  %-10s %5.1f s\n", e.what, e.at.Sub(at.fault).Seconds())
	}
	if !named {
		fmt.Fprintf(out, "\n  culprit named: no (%s)\n", why)
		return ErrNotNamed
	}
	fmt.Fprintln(out, "\n  culprit named: yes")
	return nil
}
