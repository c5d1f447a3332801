package result

import "time"

// LogPatterns is the result of log_patterns: templates mined from the lines of both windows together, what changed most first.
type LogPatterns struct {
	Lines    Pair      `json:"lines"`   // that match in each window
	Unmined  uint64    `json:"unmined"` // lines of either window in shapes too rare to be looked at; 0: all were
	Patterns []Pattern `json:"patterns"`
	Omitted  int       `json:"omitted"` // patterns that are not listed: those that changed least
}

// Pattern is a template and how often lines of it were written.
type Pattern struct {
	Service  string `json:"service"`
	Severity string `json:"severity"`
	Pattern  string `json:"pattern"` // <*> and <n>, <id>, <time> … stand for what varies
	Count    uint64 `json:"count"`
	// Baseline is the count in the healthy window, scaled to the length of the fault window.
	Baseline float64 `json:"baseline"`
	// Change is new (not one line in the healthy window), vanished (only there, where at least five were to be expected), more
	// or less (at least twice, and unlikely by chance) or same.
	Change string    `json:"change"`
	Z      float64   `json:"z"` // standard errors by which the rate differs from the healthy one
	First  time.Time `json:"first"`
	Last   time.Time `json:"last"`
	Sample string    `json:"sample"` // a line, from the fault window if it has one
}
