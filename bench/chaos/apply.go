package main

import (
	"context"
	"os"
	"slices"
	"strings"
)

// applyScript is the action of a fix. It notes that it was run, for which run, and waits while it is held.
const applyScript = `echo "began $2" >> "$0.log"
while [ -e "$0.hold" ]; do sleep 0.02; done
echo "ended $2" >> "$0.log"
echo "rolled back $1"
`

// holdAction keeps actions from ending until the returned function is called.
func (s *stack) holdAction() (release func(), err error) {
	hold := s.path("apply.sh.hold")
	return func() { _ = os.Remove(hold) }, os.WriteFile(hold, nil, 0o600)
}

// actions are the lines that actions wrote.
func (s *stack) actions() []string {
	b, _ := os.ReadFile(s.path("apply.sh.log")) // none yet
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}

// applied are the runs whose fix was begun to be applied, as often as it was.
func (s *stack) applied() []string {
	var runs []string
	for _, line := range s.actions() {
		if run, ok := strings.CutPrefix(line, "began "); ok {
			runs = append(runs, run)
		}
	}
	return runs
}

// acted waits until a run's action has begun, or ended.
func (r *run) acted(what string) step {
	return func(ctx context.Context) error {
		return await(ctx, "the action to have "+what, func() (bool, error) {
			return slices.Contains(r.actions(), what+" "+identifier(r.name)), nil
		})
	}
}
