package rules

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/promql"
)

// Bounds of an alert rule. The CRD says the same.
const (
	MaxExpression = 2000 // bytes
	MaxFor        = time.Hour
	maxSummary    = 400 // bytes, before values are filled in
	maxLabels     = 20
	maxLabelValue = 200 // bytes
)

// Alert raises a trigger for every service, workload or host of which a PromQL expression has series, once it had them for some time.
type Alert struct {
	// Name of a rule in the configuration file: letters, digits, - and _. An object's is its namespace and name: shop/high-memory.
	Name string `yaml:"name" json:"-"`
	Expr string `yaml:"expr" json:"expr"`
	// For is how long the expression has to hold; 0: one look is enough. At most MaxFor.
	For      Duration               `yaml:"for" json:"for"`
	Severity investigation.Severity `yaml:"severity" json:"severity"` // critical, warning, info (told with an incident, starts none); empty: warning
	// Summary is a sentence for people, in which {{ $value }} and {{ $labels.NAME }} stand for what was found; empty: one is made.
	Summary string `yaml:"summary" json:"summary"`
	// Service is the label that names the service; empty: service or service_name, whichever a series has.
	Service string            `yaml:"service" json:"service"`
	Labels  map[string]string `yaml:"labels" json:"labels"` // added to those of each series, in place of its own of the same name
}

// Rule is what triggers of this rule carry as their rule.
func (a Alert) Rule() string { return investigation.WrittenPrefix + a.Name }

// IsAlert says whether a trigger's rule is an Alert's.
func IsAlert(rule string) bool { return investigation.Written(rule) }

var (
	configName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_-]{0,62}$`)
	labelName  = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]{0,99}$`)
)

// Validate says what is wrong with a rule, PromQL included. The name is the caller's to check.
func (a Alert) Validate() error {
	switch {
	case strings.TrimSpace(a.Expr) == "":
		return errors.New("expr: empty; want PromQL such as process_cpu > 1")
	case len(a.Expr) > MaxExpression:
		return fmt.Errorf("expr: %d bytes; want at most %d", len(a.Expr), MaxExpression)
	case a.For < 0 || time.Duration(a.For) > MaxFor:
		return fmt.Errorf("for: %s; want 0s to %s", time.Duration(a.For), MaxFor)
	case a.Service != "" && !labelName.MatchString(a.Service):
		return fmt.Errorf("service: %q is no name of a label", a.Service)
	}
	switch a.Severity {
	case "", investigation.Info, investigation.Warning, investigation.Critical:
	default:
		return fmt.Errorf("severity: %q; want critical, warning or info", a.Severity)
	}
	if err := promql.Check(a.Expr); err != nil {
		return fmt.Errorf("expr: %w", err)
	}
	if err := checkTemplate(a.Summary); err != nil {
		return fmt.Errorf("summary: %w", err)
	}
	return checkLabels(a.Labels)
}

func checkLabels(labels map[string]string) error {
	if len(labels) > maxLabels {
		return fmt.Errorf("labels: %d; want at most %d", len(labels), maxLabels)
	}
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		if !labelName.MatchString(k) || k == "__name__" {
			return fmt.Errorf("labels: %q is no name of a label", k)
		}
		if len(labels[k]) > maxLabelValue {
			return fmt.Errorf("labels: %s has %d bytes; want at most %d", k, len(labels[k]), maxLabelValue)
		}
	}
	return nil
}

// ValidateAlerts says what is wrong with the alert rules of a configuration file.
func ValidateAlerts(as []Alert) error {
	seen := map[string]bool{}
	for i, a := range as {
		if !configName.MatchString(a.Name) {
			return fmt.Errorf("rule %d: name: %q; want letters, digits, - and _", i+1, a.Name)
		}
		if seen[a.Name] {
			return fmt.Errorf("rule %d: another one is named %s", i+1, a.Name)
		}
		seen[a.Name] = true
		if err := a.Validate(); err != nil {
			return fmt.Errorf("rule %s: %w", a.Name, err)
		}
	}
	return nil
}
