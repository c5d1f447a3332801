package wire

import "time"

// AlertRules are the alert rules that people wrote, as they were evaluated last.
type AlertRules struct {
	At      time.Time   `json:"at" doc:"when; zero if they never were evaluated"`
	Rules   []AlertRule `json:"rules"`
	Problem string      `json:"problem,omitempty" doc:"why there may be more rules than these"`
}

// AlertRule is what became of one rule.
type AlertRule struct {
	Name     string `json:"name" doc:"of an object of a cluster its namespace and name"`
	Severity string `json:"severity"`
	State    string `json:"state" enum:"failed,raised,waiting,no_data,quiet"`
	Series   int    `json:"series" doc:"that the expression has"`
	Raised   int    `json:"raised" doc:"triggers: what it has held for as long as it has to"`
	Problem  string `json:"problem,omitempty" doc:"why it was not evaluated, or not wholly"`
}
