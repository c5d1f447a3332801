package demo

import (
	"context"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/midwatch/midwatch/deploy/shop/judge"
)

// recordings are one file per fault, see Record.
//
//go:embed recordings
var recordings embed.FS

// playback tells the story on a recording of the same shop and fault, moved to now. Everything behind the kernel is real, up to
// the approval: there is no shop to mend.
func playback(ctx context.Context, cfg Config, s *Stage, fault judge.Fault) error {
	b, err := Recording(fault.Name)
	if err != nil {
		return err
	}
	file := filepath.Join(s.Data, "recording"+recordingSuffix)
	if err := os.WriteFile(file, b, 0o600); err != nil {
		return err
	}
	// What the node agent sees of this machine must not mix with what was recorded on another.
	s.NodeEnvironment = "this-machine"
	s.ShopDir = filepath.Join(s.Data, "shop") // of a shop that never runs: for the plan and the actions alone
	if err := s.Configure(ctx); err != nil {
		return err
	}
	s.Say.Line("starting Midwatch")
	if err := s.StartMidwatch(ctx); err != nil {
		return err
	}
	c, err := s.Client(ctx, "approver")
	if err != nil {
		return err
	}
	player, err := spawn(s.Data, "play", nil, s.Midwatch, "play", file, "--data", s.Data, "--config", s.Config())
	if err != nil {
		return err
	}
	defer player.stop()
	s.Say.Line("playing the recording: %.0f s of healthy traffic, then the fault", recordedHealthy.Seconds())
	st := &story{say: s.Say, client: c, phase: func(Phase) {}}
	st.at.fault = time.Now().Add(recordedHealthy)
	if err := s.Say.waitFor(ctx, "healthy traffic", 2*recordedHealthy, after(recordedHealthy)); err != nil {
		return err
	}
	s.Say.Line("the shop is broken from here on; nobody told Midwatch how")
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
	s.Say.Line("this was a recording: there is no shop to mend, so the fix is shown and not approved")
	return end(cfg.Out, fault, inv, st.at)
}

// Recording is the recorded telemetry of a fault, as collector/recording reads it.
func Recording(fault string) ([]byte, error) {
	b, err := recordings.ReadFile("recordings/" + fault + recordingSuffix)
	if err != nil {
		return nil, fmt.Errorf("there is no recording of %s: %w", fault, err)
	}
	return b, nil
}
