package filter

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/midwatch/midwatch/internal/rules"
)

// Live are the filters that apply at present: those of the configuration and those that a cluster adds and takes away. Safe for
// concurrent use.
type Live struct {
	drop   []rules.Drop
	redact []rules.Redaction
	now    atomic.Pointer[state]
}

type state struct {
	filters *Filters
	held    error // why nothing may leave
}

// NewLive returns the filters of the configuration, or an error that names the first rule that is wrong.
func NewLive(drop []rules.Drop, redact []rules.Redaction) (*Live, error) {
	if len(drop) > MaxRules || len(redact) > MaxRules {
		return nil, fmt.Errorf("%d drop and %d redaction rules; want at most %d of each", len(drop), len(redact), MaxRules)
	}
	l := &Live{drop: drop, redact: redact}
	if err := l.Set(nil, nil); err != nil {
		return nil, err
	}
	return l, nil
}

// Set makes the rules of a cluster apply beside those of the configuration, in place of the ones before. After an error everything is as it
// was.
func (l *Live) Set(drop []rules.Drop, redact []rules.Redaction) error {
	f, err := New(slices.Concat(l.drop, drop), slices.Concat(l.redact, redact))
	if err != nil {
		return err
	}
	l.now.Store(&state{filters: f})
	return nil
}

// Hold lets nothing leave until Set, because of a rule that cannot be applied or is not known yet.
func (l *Live) Hold(why error) { l.now.Store(&state{held: errors.Join(errHeld, why)}) }

// errHeld is wrapped by what Now returns for filters that are held.
var errHeld = errors.New("telemetry is held back")

// Now are the filters at present, or why nothing may leave.
func (l *Live) Now() (*Filters, error) {
	s := l.now.Load()
	return s.filters, s.held
}
