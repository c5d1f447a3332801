package detect

import (
	"log/slog"
	"sync"
)

// troubles remembers which rules could not be evaluated, so that each is told once and not every five seconds.
type troubles struct {
	mu  sync.Mutex
	why map[string]string // :: rule → error
}

// note tells what began and what ended.
func (f *troubles) note(log *slog.Logger, failed map[string]error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := make(map[string]string, len(failed))
	for name, err := range failed {
		now[name] = err.Error()
		if _, known := f.why[name]; !known {
			log.Warn("an alert rule is not evaluated, or not wholly; the others go on", "rule", name, "error", err)
		}
	}
	for name := range f.why {
		if _, still := now[name]; !still {
			log.Info("an alert rule fails no longer", "rule", name)
		}
	}
	f.why = now
}
