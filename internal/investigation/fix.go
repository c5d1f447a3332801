package investigation

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ParameterType says what an action's parameter may hold and how the platform checks it.
type ParameterType string

// Parameter types. Every value travels as a string.
const (
	ServiceParameter    ParameterType = "service"    // a service.name seen in this environment, listed in Allowed if that is set
	ProcessParameter    ParameterType = "process"    // "<pid>:<start ticks>:<executable path>" of a process on this host; Allowed lists executables
	IdentifierParameter ParameterType = "identifier" // an SQL identifier: [a-z_][a-z0-9_]{0,62}
	PathParameter       ParameterType = "path"       // an absolute path, under one of Allowed
)

// Parameter is one input of an action.
type Parameter struct {
	Name    string        `json:"name" yaml:"name"`
	Type    ParameterType `json:"type" yaml:"type"`
	Allowed []string      `json:"allowed,omitempty" yaml:"allowed"`
	// Optional parameters may be left out. Only remedies have some.
	Optional bool `json:"optional,omitempty" yaml:"-"`
}

// ActionKind is what an action does, chosen from a closed set; the analyst picks by kind and target.
type ActionKind string

// Kinds of action.
const (
	RestartAction   ActionKind = "restart"          // parameter service
	RollbackVersion ActionKind = "rollback_version" // parameter service: back to the version before
	RollbackConfig  ActionKind = "rollback_config"  // parameter service: back to the configuration before
	StopProcess     ActionKind = "stop_process"     // parameter process; done by Midwatch itself through a pidfd
	CreateIndex     ActionKind = "create_index"     // parameters table, column
	RaiseLimit      ActionKind = "raise_limit"      // parameter service: a reviewed larger limit
	// OpenPullRequest changes files of a service's repository. It has no named action and no parameters; the draft's Code says what.
	OpenPullRequest ActionKind = "pull_request"
)

// Action is a named action from the configuration: the only things a fix on a plain machine can do.
// Exactly one of Command, SQL and (for StopProcess) neither is set.
type Action struct {
	Name        string      `json:"name" yaml:"name"`
	Kind        ActionKind  `json:"kind" yaml:"kind"`
	Description string      `json:"description" yaml:"description"`
	Parameters  []Parameter `json:"parameters" yaml:"parameters"`
	Services    []string    `json:"services,omitempty" yaml:"services"` // services it is meant for; empty: any
	// Command is an argument list run without a shell; "{name}" elements are replaced by a parameter's value.
	Command []string `json:"command,omitempty" yaml:"command"`
	// SQL is one reviewed statement; "{name}" is replaced by the quoted identifier. DSN names the connection.
	SQL string `json:"sql,omitempty" yaml:"sql"`
	DSN string `json:"-" yaml:"dsn"` // never leaves the apply role
}

// actionKinds are those that a configuration may name.
var actionKinds = []ActionKind{RestartAction, RollbackVersion, RollbackConfig, StopProcess, CreateIndex, RaiseLimit}

// Validate says what is wrong with an action of the configuration and what to do.
func (a Action) Validate() error {
	switch {
	case a.Name == "":
		return errors.New("it needs a name")
	case !slices.Contains(actionKinds, a.Kind):
		return fmt.Errorf("unknown kind %q; kinds are %v", a.Kind, actionKinds)
	case a.Kind == StopProcess && (len(a.Command) > 0 || a.SQL != ""):
		return errors.New("a process is stopped by Midwatch itself: leave command and sql out")
	case a.Kind != StopProcess && (len(a.Command) > 0) == (a.SQL != ""):
		return errors.New("set command or sql")
	case a.SQL != "" && a.DSN == "":
		return errors.New("sql needs dsn, the database it is for")
	}
	for _, p := range a.Parameters {
		if types := []ParameterType{ServiceParameter, ProcessParameter, IdentifierParameter, PathParameter}; !slices.Contains(types, p.Type) {
			return fmt.Errorf("parameter %s: unknown type %q; types are %v", p.Name, p.Type, types)
		}
	}
	return nil
}

// FixDraft is what an analyst proposes.
type FixDraft struct {
	Action     string            `json:"action"` // Action.Name
	Parameters map[string]string `json:"parameters"`
	Why        string            `json:"why"`
	Code       *CodeChange       `json:"code,omitempty"` // of Action "pull_request" only
}

// CodeChange is a draft of a pull request: edits of the files of one repository at the commit that ran.
type CodeChange struct {
	Repository string     `json:"repository"` // owner/name
	Commit     string     `json:"commit"`     // 40 hex digits: the files were read there, and the branch begins there
	Service    string     `json:"service"`    // whose code it is
	Title      string     `json:"title"`
	Edits      []CodeEdit `json:"edits"`
}

// CodeEdit replaces one piece of a file. Old must be in the file exactly once; an empty Old makes a new file of New.
type CodeEdit struct {
	Path string `json:"path"`
	Old  string `json:"old"`
	New  string `json:"new"`
}

// PullRequest is exactly what becomes a branch, a commit and a pull request once it is approved.
type PullRequest struct {
	Repository string       `json:"repository"` // owner/name
	Base       string       `json:"base"`       // branch it is to be merged into
	Commit     string       `json:"commit"`     // 40 hex digits: the branch begins there
	Branch     string       `json:"branch"`     // made from the fix's id
	Title      string       `json:"title"`
	Body       string       `json:"body"` // Markdown, escaped
	Files      []FileChange `json:"files"`
	At         time.Time    `json:"at"` // of the commit, so that the same request makes the same commit
}

// FileChange is one file as it shall be.
type FileChange struct {
	Path    string `json:"path"`
	Mode    string `json:"mode"`             // git's
	Before  string `json:"before,omitempty"` // git's SHA-1 of what is replaced; empty: a new file
	Content string `json:"content"`
}

// Fix is a draft made exact by the platform. Nothing of it may change after Digest was made.
type Fix struct {
	ID            string            `json:"id"`
	Incident      string            `json:"incident"`
	Investigation string            `json:"investigation"`
	Environment   string            `json:"environment"`
	Action        string            `json:"action"`
	Kind          ActionKind        `json:"kind"`
	Parameters    map[string]string `json:"parameters"`
	Content       string            `json:"content"` // exactly what will run: the command line, the SQL or the process
	Preconditions map[string]string `json:"preconditions"`
	Target        string            `json:"target"` // entity it acts on
	Why           string            `json:"why"`
	PullRequest   *PullRequest      `json:"pull_request,omitempty"`
	Cluster       *ClusterChange    `json:"cluster,omitempty"`
	Needed        int               `json:"needed,omitempty"` // people who must approve it, when more than one
	CreatedAt     time.Time         `json:"created_at"`
	Digest        string            `json:"digest"`

	Status    string    `json:"status"` // awaiting_approval, rejected, expired, applying, applied, failed, verified, worse; of a pull request also merged, closed
	Result    string    `json:"result,omitempty"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
	Approved  []Given   `json:"approved,omitempty"` // so far, as the apply role counted them
}

// Pending tells whether a person still has to decide about it, or it is being applied.
func (f Fix) Pending() bool { return f.Status == "awaiting_approval" || f.Status == "applying" }

// ContentDigest is the hex SHA-256 over everything an approver approves. Status, Result, UpdatedAt, Approved and Digest itself are left out.
func (f Fix) ContentDigest() string {
	f.Status, f.Result, f.UpdatedAt, f.Digest, f.Approved = "", "", time.Time{}, "", nil
	f.CreatedAt = f.CreatedAt.UTC().Truncate(time.Microsecond)
	b, err := json.Marshal(f) // map keys are sorted
	if err != nil {
		panic(fmt.Sprintf("a Fix holds only strings and times: %v", err))
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Approval is a person's decision on one exact fix. The api alone signs it; the apply activity alone spends it.
type Approval struct {
	Environment string    `json:"environment"`
	Incident    string    `json:"incident"`
	Fix         string    `json:"fix"`
	Digest      string    `json:"digest"`
	Target      string    `json:"target"`
	Approver    string    `json:"approver"`
	Approved    bool      `json:"approved"`         // false is a rejection
	Reason      string    `json:"reason,omitempty"` // of a rejection
	IssuedAt    time.Time `json:"issued_at"`
	ExpiresAt   time.Time `json:"expires_at"`
	Nonce       string    `json:"nonce"`
	Signature   []byte    `json:"signature"` // Ed25519 over SigningBytes
}

// SigningBytes is what the signature covers: every field but the signature, in a fixed order.
func (a Approval) SigningBytes() []byte {
	a.Signature = nil
	a.IssuedAt, a.ExpiresAt = a.IssuedAt.UTC(), a.ExpiresAt.UTC()
	b, err := json.Marshal(a)
	if err != nil {
		panic(fmt.Sprintf("an Approval holds only strings, booleans and times: %v", err))
	}
	return append([]byte("midwatch approval v1\n"), b...)
}
