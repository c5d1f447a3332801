package investigation

import (
	"time"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// Verdict is how an investigation ended.
type Verdict string

// The verdicts. Inconclusive, with the data that is missing, is a good answer; a confident wrong one is the worst.
const (
	RootCause    Verdict = "root_cause"
	NoProblem    Verdict = "no_problem"
	Inconclusive Verdict = "inconclusive"
)

// Mechanism is how the culprit breaks what depends on it.
type Mechanism string

// Mechanisms the built-in analyst can name.
const (
	MissingIndex       Mechanism = "missing_index"       // a statement scans what an index used to find
	WritesRefused      Mechanism = "writes_refused"      // a store answers reads but refuses writes (full, read-only)
	BadDeployment      Mechanism = "bad_deployment"      // a new version fails or is slow
	CPUContention      Mechanism = "cpu_contention"      // another process takes the cores
	MemoryLeak         Mechanism = "memory_leak"         // grows until the kernel kills it
	PoolExhausted      Mechanism = "pool_exhausted"      // requests wait for a connection that is never given back
	WrongConfiguration Mechanism = "wrong_configuration" // a changed setting, such as a wrong port
	DependencyDown     Mechanism = "dependency_down"     // nothing answers there any more
	CrashLoop          Mechanism = "crash_loop"          // starts and exits again and again
	SlowDependency     Mechanism = "slow_dependency"     // generic: the culprit became slow, cause inside it unknown
	FailingDependency  Mechanism = "failing_dependency"  // generic: the culprit began to fail, cause inside it unknown
	ResourceExhausted  Mechanism = "resource_exhausted"  // disk full, open files, memory pressure
	TrafficSurge       Mechanism = "traffic_surge"       // more requests than before, nothing else changed
	// In Kubernetes:
	OutOfMemory   Mechanism = "out_of_memory"  // a container needs more memory than its limit, without growing on and on
	BadImage      Mechanism = "bad_image"      // an image that cannot be pulled
	FailingProbe  Mechanism = "failing_probe"  // containers run, and a probe says they do not
	CPUThrottling Mechanism = "cpu_throttling" // a container is held back at its CPU limit
	Unschedulable Mechanism = "unschedulable"  // no node takes the pods: cordoned, under pressure, full
)

// Report is the end of an investigation. Text is plain, never markup.
type Report struct {
	Verdict    Verdict          `json:"verdict"`
	Title      string           `json:"title"`   // "catalog is slow because products lost its index on category"
	Summary    string           `json:"summary"` // three sentences at most, for a tired human
	Culprit    telemetry.Entity `json:"culprit,omitempty"`
	Mechanism  Mechanism        `json:"mechanism,omitempty"`
	Confidence float64          `json:"confidence"` // 0..1; checks can only lower it
	Onset      time.Time        `json:"onset,omitzero"`
	Chain      []Claim          `json:"chain"` // cause first, symptom last
	RuledOut   []RuledOut       `json:"ruled_out,omitempty"`
	Missing    []string         `json:"missing,omitempty"` // data that would have decided it
	Fix        *FixDraft        `json:"fix,omitempty"`
	Analyst    string           `json:"analyst"` // "builtin/<version>" or provider and model
}

// Claim is one statement of a report.
type Claim struct {
	ID       string   `json:"id"` // "c1", …
	Text     string   `json:"text"`
	Evidence []string `json:"evidence"` // ids
	Checks   []Check  `json:"checks"`
	Struck   string   `json:"struck,omitempty"` // why the platform struck it; "" means it stands
}

// Check is a Starlark expression over evidence. It sees `ev`, a dict from evidence id to structured result, and the
// functions in sandbox/check. It must be true on the evidence; it counts when it is false, or fails, both on the empty
// result and on the same tool's result over the healthy window.
type Check struct {
	Expression string `json:"expression"` // any([s["p95_ms"] > 500 for s in ev["e2"]["services"] if s["name"] == "catalog"])
	// Filled by the platform.
	Holds  bool   `json:"holds"`
	Counts bool   `json:"counts"`
	Note   string `json:"note,omitempty"` // why it does not hold or count
}

// RuledOut is a hypothesis that the evidence speaks against.
type RuledOut struct {
	Entity   telemetry.Entity `json:"entity"`
	Why      string           `json:"why"`
	Evidence []string         `json:"evidence"`
}
