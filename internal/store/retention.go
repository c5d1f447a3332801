package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Retention says how much the store may hold and for how long.
type Retention struct {
	// DiskShare is how much of the filesystem may be in use, by whatever, before the oldest days go; 0 means 0.8, 1 never.
	DiskShare float64 `yaml:"disk_share"`
	// MaxBytes is how much the store's tables may take on disk before the oldest days go; 0: no limit but DiskShare's.
	MaxBytes int64 `yaml:"max_bytes"`
	// Days is how long a signal is kept, by its name in Signals; one that is missing, as long as the settings say for all,
	// system (the logs that a ClickHouse elsewhere keeps of itself) for ever, metrics_1m at least 90 and metrics_10m 365.
	Days map[string]int `yaml:"days"`
}

const (
	defaultDiskShare      = 0.8
	defaultMinutesDays    = 90
	defaultTenMinutesDays = 365
	maxDays               = 36_500 // time.Duration ends at 106,751: more would be less than nothing, and everything too old
)

// Validate says what is wrong.
func (r Retention) Validate() error {
	var problems []error
	if r.DiskShare < 0 || r.DiskShare > 1 {
		problems = append(problems, fmt.Errorf("store: retention.disk_share: %v is no share; give a number up to 1", r.DiskShare))
	}
	if r.MaxBytes < 0 {
		problems = append(problems, fmt.Errorf("store: retention.max_bytes: %d is less than nothing", r.MaxBytes))
	}
	for signal, days := range r.Days {
		if !slices.Contains(Signals, signal) {
			problems = append(problems, fmt.Errorf("store: retention.days: there is no %q; there are %s", signal, strings.Join(Signals, ", ")))
		} else if days > maxDays {
			problems = append(problems, fmt.Errorf("store: retention.days: %s: %d; the most is %d, a hundred years", signal, days, maxDays))
		} else if days < 1 {
			problems = append(problems, fmt.Errorf("store: retention.days: %s: %d; nothing can be kept for no time, or for ever", signal, days))
		}
	}
	return errors.Join(problems...)
}

// Ages is how long signals are kept where those that Days leaves out are kept for others.
func (r Retention) Ages(others time.Duration) Ages {
	var age Ages
	age = func(signal string) time.Duration {
		if signal == metricSeries {
			return max(age("metrics"), age("metrics_1m"), age("metrics_10m"))
		}
		days, ok := r.Days[signal]
		switch {
		case ok:
			return time.Duration(days) * day
		case signal == "metrics_1m":
			return max(others, defaultMinutesDays*day)
		case signal == "metrics_10m":
			return max(others, defaultTenMinutesDays*day)
		}
		return others
	}
	return age
}
