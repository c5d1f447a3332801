package main

import (
	"fmt"
	"slices"

	"github.com/midwatch/midwatch/internal/investigation"
)

// actionKinds are the actions a configuration may name.
var actionKinds = []investigation.ActionKind{
	investigation.RestartAction, investigation.RollbackVersion, investigation.RollbackConfig, investigation.StopProcess,
	investigation.CreateIndex, investigation.RaiseLimit,
}

// validate says what a value is wrong with before any part starts. What only one part understands, that part says.
func (s settings) validate() error {
	if s.Nice < -20 || s.Nice > 19 {
		return fmt.Errorf("nice: %d is no scheduling priority; it goes from -20 to 19", s.Nice)
	}
	if s.Alerts.Every < 0 {
		return fmt.Errorf("alerts.every: %s is negative; want a duration such as 5s", s.Alerts.Every)
	}
	if r := s.Alerts.ErrorRatio; r <= 0 || r >= 1 {
		return fmt.Errorf("alerts.error_ratio: %v is no share of requests; it is between 0 and 1, such as 0.05", r)
	}
	for i, a := range s.Actions {
		if !slices.Contains(actionKinds, a.Kind) {
			return fmt.Errorf("actions: action %d (%s): unknown kind %q; kinds are %v", i+1, a.Name, a.Kind, actionKinds)
		}
	}
	for _, p := range s.AI.Providers {
		if err := p.Validate(); err != nil {
			return err
		}
	}
	return nil
}
