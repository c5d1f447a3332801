package investigation

import (
	"time"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// TriggerKind says what noticed.
type TriggerKind string

// The five kinds of trigger.
const (
	Alert        TriggerKind = "alert"
	Anomaly      TriggerKind = "anomaly"
	Deployment   TriggerKind = "deployment"
	ClusterEvent TriggerKind = "cluster_event" // on one machine: kernel events such as an OOM kill or a crash loop
	Manual       TriggerKind = "manual"
)

// Severity orders triggers and incidents.
type Severity string

// Severities, least first.
const (
	Info     Severity = "info"
	Warning  Severity = "warning"
	Critical Severity = "critical"
)

// Window is a half-open span of time, From inclusive.
type Window struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Trigger is one reason to look. Equal IDs are the same trigger seen again.
type Trigger struct {
	// ID is stable while the condition lasts, made of safe characters only (it becomes part of a workflow id):
	// kind-rule-service-onset minute, hashed where a name is unsafe.
	ID          string            `json:"id"`
	Kind        TriggerKind       `json:"kind"`
	Environment string            `json:"environment"`
	Rule        string            `json:"rule"`            // alert rule or detector
	Entity      telemetry.Entity  `json:"entity"`          // what it was seen on, often not the culprit
	Service     string            `json:"service"`         // service.name, "" when it is about a host
	Peers       []string          `json:"peers,omitempty"` // services that it calls or is called by
	Calls       []string          `json:"calls,omitempty"` // those of them that it calls
	Severity    Severity          `json:"severity"`
	Summary     string            `json:"summary"` // one plain sentence with the numbers
	Value       float64           `json:"value"`
	Threshold   float64           `json:"threshold"`
	Onset       time.Time         `json:"onset"` // when it began, as far as the detector can tell
	At          time.Time         `json:"at"`    // when it was raised
	Attributes  map[string]string `json:"attributes,omitempty"`
	Namespaces  []string          `json:"namespaces,omitempty"` // of a person's question: within which the person may look; empty: all
}

// Request starts an investigation. Its windows are fixed at the trigger and never move, so that a repeated tool call
// reads the same data.
type Request struct {
	ID          string    `json:"id"`
	Incident    string    `json:"incident"`
	Environment string    `json:"environment"`
	Question    string    `json:"question,omitempty"`   // of a manual trigger
	Requester   string    `json:"requester"`            // subject of the person, or "midwatch"
	Namespaces  []string  `json:"namespaces,omitempty"` // within which the requester may look, and so every tool call; empty: all
	Triggers    []Trigger `json:"triggers"`
	Fault       Window    `json:"fault"`   // from a little before the onset to the moment of the trigger
	Healthy     Window    `json:"healthy"` // the comparison: before the onset
	Budget      Budget    `json:"budget"`
	Actions     []Action  `json:"actions"` // named actions a fix may use
	// Replays is the investigation whose stored evidence answers this one's tool calls; "": the tools themselves do.
	Replays string `json:"replays,omitempty"`
	// Analyst is who decides: AnalystBuiltin, or the name of a model provider; "": whoever policy names, else the built-in one.
	Analyst string `json:"analyst,omitempty"`
	// Past is what looked like this before, the most alike first: hints, never evidence.
	Past []PastIncident `json:"past,omitempty"`
}

// Budget bounds an investigation.
type Budget struct {
	Turns  int           `json:"turns"` // steps, the concluding one included
	Wall   time.Duration `json:"wall"`
	Tokens int64         `json:"tokens,omitempty"` // of all model calls together; 0: no bound
	Cost   int64         `json:"cost,omitempty"`   // the same, in millionths of a US dollar
}

// Incident is the triggers that belong together.
type Incident struct {
	ID            string    `json:"id"`
	Environment   string    `json:"environment"`
	Title         string    `json:"title"`
	Service       string    `json:"service"`
	Severity      Severity  `json:"severity"`
	Status        string    `json:"status"` // investigating, awaiting_approval, applying, verifying, resolved, closed, failed
	Triggers      []Trigger `json:"triggers"`
	Dropped       int       `json:"dropped,omitempty"` // triggers that belong to it and were too many to be kept
	Investigation string    `json:"investigation"`
	OpenedAt      time.Time `json:"opened_at"`
	ClosedAt      time.Time `json:"closed_at,omitzero"`
}
