package investigation

import (
	"time"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// PastIncident is an earlier incident that looked like this one. It is a hint where to look first and never evidence: what
// was true then must be shown again now.
type PastIncident struct {
	Incident      string           `json:"incident"`
	Investigation string           `json:"investigation"`
	Title         string           `json:"title"` // of its report
	Culprit       telemetry.Entity `json:"culprit"`
	Mechanism     Mechanism        `json:"mechanism"`
	Fix           string           `json:"fix,omitempty"` // what was proposed to run
	Outcome       string           `json:"outcome"`       // status of the fix, else of the incident
	At            time.Time        `json:"at"`            // when it was opened
	Alike         float64          `json:"alike"`         // 0..1: how much its services, alarms and culprit are those of now
	// DataTypes are those of all that its report may rest on, always with metrics, which raise alarms; nil: not known.
	DataTypes []DataType `json:"data_types,omitempty"`
}
