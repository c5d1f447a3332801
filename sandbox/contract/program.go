package contract

import "encoding/json"

// Fields of a program's evidence.
const (
	ProgramResult  = "result"
	ProgramPrinted = "printed"
)

// Program is a small Starlark program over evidence, and the ids of the evidence that it reads as ev.
type Program struct {
	Source   string   `json:"source"`
	Evidence []string `json:"evidence"`
}

// ProgramRequest asks for a program to be run.
type ProgramRequest struct {
	Source   string                     `json:"source"`
	Evidence map[string]json.RawMessage `json:"evidence"` // evidence id → structured result
}

// ProgramAnswer is what a program came to.
type ProgramAnswer struct {
	Result  json.RawMessage `json:"result,omitempty"` // what it left in its global result
	Printed []string        `json:"printed"`          // the first lines it printed
	Steps   uint64          `json:"steps"`
	Mistake string          `json:"mistake,omitempty"` // what the program did wrong; Result is empty
}
