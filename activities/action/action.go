// Package action turns a named action from the configuration and typed parameters into exactly one thing to do, shows it,
// and does it: a command without a shell, one SQL statement, or the end of one process.
package action

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/midwatch/midwatch/internal/investigation"
)

// ErrDraft means parameters do not fit the action, or the action is not fit to be run.
var ErrDraft = errors.New("the fix does not fit its action")

// Plan is one exact thing to do. One of Argv, SQL and Process is set.
type Plan struct {
	Argv    []string
	SQL     string
	DSN     string
	Process *Process
}

// Process is one process for as long as it lives: a number alone may be given to another.
type Process struct {
	PID        int
	StartTicks uint64 // since boot, field 22 of /proc/PID/stat
	Executable string
}

// Find returns the named action.
func Find(actions []investigation.Action, name string) (investigation.Action, error) {
	i := slices.IndexFunc(actions, func(a investigation.Action) bool { return a.Name == name })
	if i < 0 {
		return investigation.Action{}, fmt.Errorf("%w: no action is called %q", ErrDraft, name)
	}
	return actions[i], nil
}

// New checks the parameters and makes the plan. The same action and parameters make the same plan.
func New(a investigation.Action, parameters map[string]string) (Plan, error) {
	if err := Check(a, parameters); err != nil {
		return Plan{}, err
	}
	switch {
	case a.Kind == investigation.StopProcess && len(a.Command) == 0 && a.SQL == "":
		p, err := processOf(a, parameters)
		return Plan{Process: p}, err
	case len(a.Command) > 0 && a.SQL == "":
		return Plan{Argv: argv(a, parameters)}, nil
	case a.SQL != "" && len(a.Command) == 0:
		return Plan{SQL: statement(a, parameters), DSN: a.DSN}, nil
	}
	return Plan{}, fmt.Errorf("%w: action %s needs a command or a statement, and not both", ErrDraft, a.Name)
}

// String is what an approver reads: the command line, the statement or the process. Different plans read differently.
func (p Plan) String() string {
	switch {
	case p.Process != nil:
		return fmt.Sprintf("stop process %d (start ticks %d): %s", p.Process.PID, p.Process.StartTicks, quote(p.Process.Executable))
	case p.SQL != "":
		return p.SQL
	}
	words := make([]string, len(p.Argv))
	for i, w := range p.Argv {
		words[i] = quote(w)
	}
	return strings.Join(words, " ")
}

var plain = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

func quote(word string) string {
	if plain.MatchString(word) {
		return word
	}
	return strconv.Quote(word)
}

// Check says whether parameters fit an action: all that it needs are there, none that it has not, each of its type.
func Check(a investigation.Action, parameters map[string]string) error {
	for _, p := range a.Parameters {
		value, ok := parameters[p.Name]
		if !ok && p.Optional {
			continue
		}
		if !ok {
			return fmt.Errorf("%w: parameter %s of action %s is missing", ErrDraft, p.Name, a.Name)
		}
		if err := fits(p, value); err != nil {
			return fmt.Errorf("%w: parameter %s of action %s: %w", ErrDraft, p.Name, a.Name, err)
		}
		if p.Type == investigation.ServiceParameter && len(a.Services) > 0 && !slices.Contains(a.Services, value) {
			return fmt.Errorf("%w: action %s is not meant for service %s", ErrDraft, a.Name, value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		if !slices.ContainsFunc(a.Parameters, func(p investigation.Parameter) bool { return p.Name == name }) {
			return fmt.Errorf("%w: action %s has no parameter %s", ErrDraft, a.Name, name)
		}
	}
	return nil
}

var (
	serviceName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`) // never looks like an option
	identifier  = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)
	processForm = regexp.MustCompile(`^([1-9][0-9]{0,9}):([0-9]{1,20}):(/.+)$`)
)

func fits(p investigation.Parameter, value string) error {
	switch p.Type {
	case investigation.ServiceParameter:
		if !serviceName.MatchString(value) {
			return fmt.Errorf("%q is not the name of a service", value)
		}
		if len(p.Allowed) > 0 && !slices.Contains(p.Allowed, value) {
			return fmt.Errorf("service %s is not allowed", value)
		}
	case investigation.ProcessParameter:
		m := processForm.FindStringSubmatch(value)
		if m == nil {
			return fmt.Errorf("%q is not <pid>:<start ticks>:<executable>", value)
		}
		if len(p.Allowed) > 0 && !slices.Contains(p.Allowed, m[3]) {
			return fmt.Errorf("executable %s is not allowed", m[3])
		}
	case investigation.IdentifierParameter:
		if !identifier.MatchString(value) {
			return fmt.Errorf("%q is not an SQL identifier", value)
		}
		if len(p.Allowed) > 0 && !slices.Contains(p.Allowed, value) {
			return fmt.Errorf("%s is not allowed", value)
		}
	case investigation.PathParameter:
		return fitsPath(p, value)
	default:
		return fitsCluster(p, value)
	}
	return nil
}

func fitsPath(p investigation.Parameter, value string) error {
	if !filepath.IsAbs(value) || filepath.Clean(value) != value {
		return fmt.Errorf("%q is not a clean absolute path", value)
	}
	for _, root := range p.Allowed {
		if rel, err := filepath.Rel(root, value); err == nil && filepath.IsLocal(rel) {
			return nil
		}
	}
	return fmt.Errorf("%s is under none of the allowed paths", value)
}

func argv(a investigation.Action, parameters map[string]string) []string {
	words := make([]string, len(a.Command))
	for i, w := range a.Command {
		words[i] = w
		for _, p := range a.Parameters {
			if w == "{"+p.Name+"}" { // whole words only: a value never becomes part of another
				words[i] = parameters[p.Name]
			}
		}
	}
	return words
}

// statement fills in quoted identifiers. "{index}" of a create_index action is a name made of table and column.
func statement(a investigation.Action, parameters map[string]string) string {
	var pairs []string
	for _, p := range a.Parameters {
		pairs = append(pairs, "{"+p.Name+"}", pgx.Identifier{parameters[p.Name]}.Sanitize())
	}
	if a.Kind == investigation.CreateIndex {
		name := fmt.Sprintf("midwatch_%s_%s", parameters["table"], parameters["column"])
		pairs = append(pairs, "{index}", pgx.Identifier{name[:min(len(name), 63)]}.Sanitize())
	}
	return strings.NewReplacer(pairs...).Replace(a.SQL)
}

func processOf(a investigation.Action, parameters map[string]string) (*Process, error) {
	for _, p := range a.Parameters {
		if p.Type != investigation.ProcessParameter {
			continue
		}
		m := processForm.FindStringSubmatch(parameters[p.Name])
		pid, err := strconv.Atoi(m[1])
		if err != nil {
			return nil, fmt.Errorf("%w: process %s: %w", ErrDraft, m[1], err)
		}
		ticks, err := strconv.ParseUint(m[2], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%w: start ticks %s: %w", ErrDraft, m[2], err)
		}
		return &Process{PID: pid, StartTicks: ticks, Executable: m[3]}, nil
	}
	return nil, fmt.Errorf("%w: action %s has no process parameter", ErrDraft, a.Name)
}
