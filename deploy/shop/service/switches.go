package service

import (
	"context"
	"os"
	"sync/atomic"
	"time"

	"gopkg.in/yaml.v3"
)

// Switches change how a running program behaves, as a bug that waits for its day would. They are no configuration:
// nothing restarts, no file a program names changes, and an ordinary restart turns them off.
type Switches struct {
	KeepBytes       int           `yaml:"keep_bytes,omitempty"`       // memory each request keeps for good
	KeepConnections bool          `yaml:"keep_connections,omitempty"` // requests do not give their connection back
	Pause           time.Duration `yaml:"pause,omitempty"`            // each request waits this long
	Remarks         int           `yaml:"remarks,omitempty"`          // harmless warnings logged with each request
}

// switchboard follows the file of switches. The zero value has all of them off.
type switchboard struct {
	file  string
	state atomic.Pointer[Switches]
}

// on is the switches as they are now.
func (b *switchboard) on() Switches {
	if s := b.state.Load(); s != nil {
		return *s
	}
	return Switches{}
}

// follow reads the file until ctx ends. A missing file, or one half written, means off.
func (b *switchboard) follow(ctx context.Context) {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		var s Switches
		if raw, err := os.ReadFile(b.file); err != nil || yaml.Unmarshal(raw, &s) != nil {
			s = Switches{}
		}
		b.state.Store(&s)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
