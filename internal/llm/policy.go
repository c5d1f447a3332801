package llm

import (
	"context"
	"slices"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
)

// Policy is what an admin decided for one environment. The zero value is off.
type Policy struct {
	Environment string                   `json:"environment"`
	Enabled     bool                     `json:"enabled"`
	Providers   []string                 `json:"providers"`  // names of configured providers, the first is asked first; nobody else is ever asked
	DataTypes   []investigation.DataType `json:"data_types"` // what a model may see; none: nothing
	Confirmed   []Confirmation           `json:"confirmed"`  // of the data-use terms of each listed provider
	UpdatedBy   string                   `json:"updated_by"`
	UpdatedAt   time.Time                `json:"updated_at,omitzero"`
}

// Confirmation says that an admin read a provider's data-use terms. It counts for exactly these words.
type Confirmation struct {
	Provider string    `json:"provider"`
	Terms    string    `json:"terms"`
	By       string    `json:"by"`
	At       time.Time `json:"at"`
}

// Allows tells whether a model may see data of all the given types.
func (p Policy) Allows(types ...investigation.DataType) bool {
	for _, t := range types {
		if !slices.Contains(p.DataTypes, t) {
			return false
		}
	}
	return true
}

// Policies is where policy is read, each time anew. An error means off.
type Policies interface {
	// AIPolicy returns the policy of an environment; where nobody decided anything it is off.
	AIPolicy(ctx context.Context, environment string) (Policy, error)
}
