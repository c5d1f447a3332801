package result

import "time"

// Changes is the result of recent_changes, each list oldest first.
type Changes struct {
	Deployments []Deployment `json:"deployments"`
	Starts      []Lifecycle  `json:"starts"`
	Exits       []Lifecycle  `json:"exits"`
	OOMKills    []Lifecycle  `json:"oom_kills"`
}

// Deployment is a service's process started with something new, or its configuration file changed.
type Deployment struct {
	Time    time.Time `json:"time"`
	Service string    `json:"service"`
	Kind    string    `json:"kind"` // executable, arguments, configuration
	Before  string    `json:"before"`
	After   string    `json:"after"`
	Detail  string    `json:"detail"` // unified diff
	File    string    `json:"file"`
}

// Lifecycle is a process that started, exited or was killed for want of memory.
type Lifecycle struct {
	Time       time.Time `json:"time"`
	Service    string    `json:"service"`
	Instance   string    `json:"instance"`
	PID        string    `json:"pid"`
	Executable string    `json:"executable"`
	ExitCode   string    `json:"exit_code,omitempty"`
	Signal     string    `json:"signal,omitempty"`
	Detail     string    `json:"detail"`
}
