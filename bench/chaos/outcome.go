package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/workflows"
)

// outcome is what an investigation came to, as far as it must not depend on what was killed meanwhile.
type outcome struct {
	report   string   // verdict, culprit, mechanism, claims with their checks
	evidence []string // call by call: tool, arguments, digest
}

// evidenceID is the name of a piece of evidence. It depends on which of a turn's calls was answered first.
var evidenceID = regexp.MustCompile(`\be[0-9]+\b`)

func (r *run) outcome(ctx context.Context) (outcome, error) {
	inv, err := r.meta.Investigation(ctx, r.investigation)
	if err != nil {
		return outcome{}, err
	}
	if inv.Report == nil {
		return outcome{}, errors.New("there is no report")
	}
	evidence, err := r.meta.EvidenceList(ctx, r.investigation)
	if err != nil {
		return outcome{}, err
	}
	var out outcome
	calls := map[string]string{} // evidence → what it answers
	for _, e := range evidence {
		calls[e.ID] = e.Call
		out.evidence = append(out.evidence, fmt.Sprintf("%s %s %s %s %s", e.Call, e.Tool, e.Arguments, e.Digest, e.Error))
	}
	slices.Sort(out.evidence)
	report := *inv.Report
	if report.Fix != nil { // it names the run
		report.Fix = &investigation.FixDraft{Action: report.Fix.Action, Why: report.Fix.Why}
	}
	b, err := json.MarshalIndent(report, "", " ")
	out.report = evidenceID.ReplaceAllStringFunc(string(b), func(id string) string { return calls[id] })
	return out, err
}

// differs says in what got is not as it should be.
func (o outcome) differs(got outcome, evidence bool) error {
	var err error
	if o.report != got.report {
		err = fmt.Errorf("another report: %s", difference(strings.Split(o.report, "\n"), strings.Split(got.report, "\n")))
	}
	if evidence && !slices.Equal(o.evidence, got.evidence) {
		err = errors.Join(err, fmt.Errorf("other evidence: %s", difference(o.evidence, got.evidence)))
	}
	return err
}

// difference shows the first of two lists' lines that differ.
func difference(want, got []string) string {
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) || want[i] != got[i] {
			return fmt.Sprintf("want %q, got %q", want[min(i, len(want)):min(i+1, len(want))], got[min(i, len(got)):min(i+1, len(got))])
		}
	}
	return "none"
}

// undisturbed runs two investigations in which nothing is killed: what the others are compared with, and the proof that they can be.
func (s *stack) undisturbed(ctx context.Context) (want outcome, err error) {
	for n := range 2 {
		r := s.newRun(fmt.Sprintf("storefront-calm%d", n+1), 0)
		if err := r.raise(ctx); err != nil {
			return want, err
		}
		if err := r.finish(ctx); err != nil {
			return want, err
		}
		got, err := r.outcome(ctx)
		if err != nil {
			return want, err
		}
		s.turns = len(s.model.of(r.name))
		r.asked = s.turns
		if err := errors.Join(r.calls(ctx), r.appliedOnce(ctx)); err != nil {
			return want, err
		}
		inv, err := s.meta.Investigation(ctx, r.investigation)
		if err != nil {
			return want, err
		}
		if inv.Report.Verdict != investigation.RootCause || len(got.evidence) < 6 {
			return want, fmt.Errorf("undisturbed, the report is: %s", got.report)
		}
		s.tell.Line("undisturbed: %s, %s, %d pieces of evidence, %d model calls", inv.Report.Verdict, inv.Report.Culprit, len(got.evidence), s.turns)
		if n > 0 {
			if err := want.differs(got, true); err != nil {
				return want, fmt.Errorf("two undisturbed investigations differ: %w", err)
			}
		}
		want = got
	}
	return want, nil
}

// aftermath waits until every incident has ended, and counts once more: nothing may be applied late.
func (s *stack) aftermath(ctx context.Context, runs []*run) error {
	var wrong error
	for _, r := range runs {
		want := workflows.Resolved
		if r.unknown {
			want = workflows.Failed
		}
		err := await(ctx, r.incident+" to end", func() (bool, error) {
			i, err := s.meta.Incident(ctx, r.incident)
			if err == nil && !i.ClosedAt.IsZero() && i.Status != want {
				return false, fatal{fmt.Errorf("it is %s, want %s", i.Status, want)}
			}
			return err == nil && i.Status == want, err
		})
		wrong = errors.Join(wrong, err, r.appliedOnce(ctx))
	}
	return wrong
}
