package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/sandbox/contract"
	"github.com/midwatch/midwatch/workflows"
)

// unprovenConfidence is the most that a report may claim whose root cause is not proven.
const unprovenConfidence = 0.3

// Verify has the checks of a concluding turn's draft evaluated in the sandbox and stores the report that is left.
func (a *Step) Verify(ctx context.Context, in workflows.VerifyInput) (workflows.ReportRef, error) {
	defer alive(ctx)()
	inv, err := a.DB.Investigation(ctx, in.Investigation)
	if err != nil {
		return workflows.ReportRef{}, final(err)
	}
	turn := slices.IndexFunc(inv.Turns, func(t investigation.Turn) bool { return t.Number == in.Turn })
	if turn < 0 || inv.Turns[turn].Draft == nil {
		return workflows.ReportRef{}, refused(fmt.Errorf("turn %d of %s does not conclude", in.Turn, in.Investigation))
	}
	draft := inv.Turns[turn].Draft
	evidence, err := a.DB.EvidenceList(ctx, in.Investigation)
	if err != nil {
		return workflows.ReportRef{}, err
	}
	answer, err := a.run(ctx, contract.Request{Check: checkRequest(*draft, evidence)})
	if err != nil {
		return workflows.ReportRef{}, err
	}
	if answer.Check == nil {
		return workflows.ReportRef{}, stepFailed(errors.New("the checks were not evaluated"))
	}
	report, err := hold(*draft, answer.Check.Report, blind(in.Uncontrolled, evidence))
	if err != nil {
		return workflows.ReportRef{}, stepFailed(err)
	}
	if report.Analyst, err = a.analyst(ctx, in, inv.Turns[turn]); err != nil {
		return workflows.ReportRef{}, err
	}
	if err := a.DB.PutReport(ctx, in.Investigation, report); err != nil {
		return workflows.ReportRef{}, err
	}
	ref := summarize(in.Investigation, report)
	ref.Code = ref.HasFix && report.Fix.Code != nil && a.readsCode()
	ref.Remedy = ref.HasFix && remedies(inv.Request.Actions, *report.Fix)
	return ref, a.DB.SetInvestigationStatus(ctx, in.Investigation, workflows.InvestigationConcluded)
}

// analyst says who decided a report, as the ledger knows it: a step's own word for itself is not asked.
func (a *Step) analyst(ctx context.Context, in workflows.VerifyInput, t investigation.Turn) (string, error) {
	if t.Analyst != investigation.AnalystModel {
		if in.TookOver != "" {
			return fmt.Sprintf("%s, after a model: %s", t.Draft.Analyst, short(in.TookOver)), nil
		}
		return t.Draft.Analyst, nil
	}
	return a.answeredBy(ctx, in.Investigation, t.Number)
}

// answeredBy is the model that answered last in a turn, as the ledger knows it.
func (a *Step) answeredBy(ctx context.Context, investigationID string, turn int) (string, error) {
	for ask := workflows.MaxAsks; ask > 0; ask-- {
		entries, err := a.DB.Attempts(ctx, llm.Call{Investigation: investigationID, Turn: turn, Ask: ask})
		if err != nil {
			return "", err
		}
		for _, e := range entries {
			if e.State == llm.Answered {
				return fmt.Sprintf("model/%s (%s, %s)", e.Model, e.Provider, e.Account), nil
			}
		}
	}
	return "model", nil
}

// checkRequest gathers the evidence that a report's claims rest on, and its healthy counterparts.
func checkRequest(r investigation.Report, evidence []investigation.Evidence) *contract.CheckRequest {
	req := &contract.CheckRequest{
		Report: r, Evidence: map[string]json.RawMessage{}, Control: map[string]json.RawMessage{}, Programs: map[string]contract.Program{},
	}
	ids := readBy(cited(r), evidence)
	byCall := map[string]string{}
	for _, e := range evidence {
		if !slices.Contains(ids, e.ID) || e.Error != "" {
			continue
		}
		req.Evidence[e.ID], byCall[e.Call] = e.Result, e.ID
		if p, ok := programOf(e); ok {
			req.Programs[e.ID] = p
		}
	}
	for _, e := range evidence {
		if id, ok := byCall[strings.TrimSuffix(e.Call, controlSuffix)]; ok && IsControl(e) && e.Error == "" {
			req.Control[id] = e.Result
		}
	}
	return req
}

var evidenceID = regexp.MustCompile(`\be[1-9][0-9]*\b`)

// cited lists the evidence that a report's claims name, in their lists or in an expression.
func cited(r investigation.Report) []string {
	var ids []string
	for _, c := range r.Chain {
		ids = append(ids, mentioned(c)...)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// blind adds to the evidence without its healthy counterpart the programs that read it.
func blind(uncontrolled []string, evidence []investigation.Evidence) []string {
	out := slices.Clone(uncontrolled)
	for _, e := range evidence {
		if p, ok := programOf(e); ok && slices.ContainsFunc(p.Evidence, func(id string) bool { return slices.Contains(uncontrolled, id) }) {
			out = append(out, e.ID)
		}
	}
	return out
}

func mentioned(c investigation.Claim) []string {
	ids := slices.Clone(c.Evidence)
	for _, k := range c.Checks {
		ids = append(ids, evidenceID.FindAllString(k.Expression, -1)...)
	}
	return ids
}

// hold takes from the judged report only what a judge may change, and enforces what follows: a check on evidence whose
// healthy counterpart could not be had does not count, and a root cause needs one that does.
func hold(draft, judged investigation.Report, uncontrolled []string) (investigation.Report, error) {
	if len(judged.Chain) != len(draft.Chain) || judged.Confidence > draft.Confidence {
		return draft, errors.New("the judge changed more of the report than it may")
	}
	report := draft
	report.Confidence, report.Chain = judged.Confidence, slices.Clone(draft.Chain)
	proven := false
	for i := range report.Chain {
		claim := &report.Chain[i]
		if len(judged.Chain[i].Checks) != len(claim.Checks) {
			return draft, errors.New("the judge changed more of the report than it may")
		}
		claim.Struck, claim.Checks = judged.Chain[i].Struck, slices.Clone(claim.Checks)
		unseen := slices.ContainsFunc(mentioned(*claim), func(id string) bool { return slices.Contains(uncontrolled, id) })
		for n := range claim.Checks {
			claim.Checks[n].Holds, claim.Checks[n].Counts, claim.Checks[n].Note = verdictOf(judged.Chain[i].Checks[n], unseen)
			proven = proven || claim.Struck == "" && claim.Checks[n].Counts
		}
	}
	if report.Verdict == investigation.RootCause && !proven {
		unproven(&report)
	}
	return report, nil
}

func verdictOf(k investigation.Check, unseen bool) (holds, counts bool, note string) {
	if unseen && k.Counts {
		return k.Holds, false, "does not count: the healthy time could not be asked"
	}
	return k.Holds, k.Counts && k.Holds, k.Note
}

// unproven turns a root cause nobody could check into an honest "inconclusive".
func unproven(r *investigation.Report) {
	r.Missing = append(slices.Clone(r.Missing), fmt.Sprintf("a check that tells the fault from healthy time (the analyst suspected %s, %s)", r.Culprit, r.Mechanism))
	r.Title = "Not proven: " + r.Title
	r.Verdict, r.Confidence = investigation.Inconclusive, min(r.Confidence, unprovenConfidence)
	r.Culprit, r.Mechanism, r.Fix = "", "", nil
}

func summarize(id string, r investigation.Report) workflows.ReportRef {
	ref := workflows.ReportRef{
		Investigation: id, Verdict: r.Verdict, Title: r.Title, Culprit: string(r.Culprit), Mechanism: string(r.Mechanism),
		Confidence: r.Confidence, HasFix: r.Fix != nil,
	}
	for _, c := range r.Chain {
		if c.Struck == "" {
			ref.Standing++
		} else {
			ref.Struck++
		}
	}
	return ref
}

// readsCode tells whether this installation has a code host: without one a change of code cannot be made exact.
func (a *Step) readsCode() bool {
	_, err := a.Registry.Get("read_file")
	return err == nil
}

// remedies tells whether a draft changes a cluster.
func remedies(actions []investigation.Action, draft investigation.FixDraft) bool {
	return slices.ContainsFunc(actions, func(a investigation.Action) bool { return a.Name == draft.Action && a.Kind.IsRemedy() })
}
