package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/midwatch/midwatch/internal/investigation"
)

// Bounds of a program's arguments.
const (
	maxProgram       = 4 << 10 // bytes: with quotes it must fit into a call's arguments
	maxProgramInputs = 10
)

// ProgramArguments are those of run_program.
type ProgramArguments struct {
	Evidence []string `json:"evidence"` // ids, each once
	Program  string   `json:"program"`
}

// ReadProgram reads the arguments of run_program. Errors wrap ErrArguments.
func ReadProgram(arguments json.RawMessage) (ProgramArguments, error) {
	return decode[ProgramArguments](arguments)
}

func (a ProgramArguments) validate() error {
	switch {
	case len(a.Evidence) == 0 || len(a.Evidence) > maxProgramInputs:
		return fmt.Errorf("%w: evidence names 1 to %d pieces of evidence", ErrArguments, maxProgramInputs)
	case len(slices.Compact(slices.Sorted(slices.Values(a.Evidence)))) != len(a.Evidence):
		return fmt.Errorf("%w: evidence names one twice", ErrArguments)
	case a.Program == "" || len(a.Program) > maxProgram:
		return fmt.Errorf("%w: program is required, at most %d bytes", ErrArguments, maxProgram)
	}
	return nil
}

// RunProgram returns the tool that computes over what other tools answered. It is an investigation's alone: the sandbox role
// runs the program where it can touch nothing, and the registry only knows its name and schema. What it returns is of the
// data types of what it reads.
func RunProgram() Tool {
	return Tool{
		Name: "run_program",
		Description: "Run a small Starlark program over evidence, for what no tool computes: joins, sums, correlations. It sees ev (as checks do, only the evidence named), may use " +
			"def, for, while, sum, median, round, first, print, and must set the global result, which becomes evidence: ev[id][\"result\"]. No imports, no input or output, " +
			"20 million steps. For checks it is run again on healthy time, so return what differs there, such as rows or numbers.",
		Schema: objectSchema(map[string]any{
			"evidence": map[string]any{
				"type": "array", "items": map[string]any{"type": "string"}, "minItems": 1, "maxItems": maxProgramInputs,
				"description": "ids of evidence the program reads, such as e3; not of other programs",
			},
			"program": map[string]any{
				"type": "string", "maxLength": maxProgram,
				"description": `such as: result = [{"service": x["service"], "ms": x["fault"]["p95_ms"]} for x in ev["e1"]["services"] if x["slow"]]`,
			},
		}, []string{"evidence", "program"}),
		Cost: 1,
		Run: func(_ context.Context, _ Scope, arguments json.RawMessage) (Result, error) {
			if _, err := ReadProgram(arguments); err != nil {
				return Result{}, err
			}
			return Result{}, fmt.Errorf("%w: a program runs over the evidence of an investigation", ErrNoAnswer)
		},
		// Its healthy counterpart is the same program over that of its evidence: whoever judges a report sees to it.
		Control: func(json.RawMessage, investigation.Window) (json.RawMessage, bool) { return nil, false },
	}
}
