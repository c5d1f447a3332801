package rules

import (
	"errors"
	"fmt"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// maxValue bounds a pattern of a value, in bytes.
const maxValue = 1000

// Drop names records that must not leave the cluster: those of a signal whose attribute, their own or their resource's, matches.
type Drop struct {
	Signal    telemetry.Signal `yaml:"signal" json:"signal"`       // traces, metrics or logs
	Attribute string           `yaml:"attribute" json:"attribute"` // such as url.path or service.name
	Value     string           `yaml:"value" json:"value"`         // a pattern: * is any text, the rest is literal
}

// Validate says what is wrong with a rule.
func (d Drop) Validate() error {
	switch {
	case !known(d.Signal):
		return fmt.Errorf("signal %q: want traces, metrics or logs", d.Signal)
	case d.Attribute == "":
		return errors.New("no attribute")
	case len(d.Value) > maxValue:
		return fmt.Errorf("value: %d bytes; want at most %d", len(d.Value), maxValue)
	}
	return nil
}

func known(s telemetry.Signal) bool {
	return s == telemetry.Traces || s == telemetry.Metrics || s == telemetry.Logs
}
