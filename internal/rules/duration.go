package rules

import (
	"time"

	"github.com/midwatch/midwatch/internal/spoken"
)

// Duration is a time.Duration that both YAML and JSON write as 5m30s.
type Duration time.Duration

// UnmarshalText reads a length of time as people write it.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := spoken.Duration(string(text))
	*d = Duration(parsed)
	return err
}

// MarshalText writes what UnmarshalText reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }
