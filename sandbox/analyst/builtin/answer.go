package builtin

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/sandbox/contract"
)

const (
	maxFindings = 6    // statements in an answer
	maxAnswer   = 3500 // bytes of one
	maxFinding  = 500  // bytes of a statement
	maxSought   = 8    // words of a question that an answer repeats
)

// finding is a statement of an investigation that concerns a question.
type finding struct {
	text     string
	evidence []string
	hits     int // words of the question in it
}

// Answer answers a person's question about an investigation by the words in it: what of the report and its evidence concerns
// them, said as it was found. It understands nothing beyond that, and says so.
func Answer(req contract.AnswerRequest) contract.ReplyText {
	words := sought(req.Question)
	topics := topical(req, words)
	found := slices.Concat(topics, concerning(req, words))
	slices.SortStableFunc(found[len(topics):], func(a, b finding) int { return cmp.Compare(b.hits, a.hits) })
	found = distinct(found)
	known := func(id string) bool {
		return slices.ContainsFunc(req.Transcript.Evidence, func(e investigation.Evidence) bool { return e.ID == id })
	}
	if len(found) > 0 {
		return written(known, "By the words of the question alone, this is what the investigation holds on it:", found)
	}
	said := "Nothing in the report or its evidence mentions what was asked"
	if len(words) > 0 {
		said = "Nothing in the report or its evidence mentions " + strings.Join(words[:min(len(words), maxSought)], ", ")
	}
	if req.Report == nil {
		return written(known, said+". "+unreported(req), nil)
	}
	return written(known, said+". What the report says:", conclusion(*req.Report))
}

// unreported says why there is no report to answer from.
func unreported(req contract.AnswerRequest) string {
	if req.Running {
		return "The investigation still runs and has no report yet."
	}
	return "The investigation ended without a report."
}

// written puts findings under a heading, one a line, as many as fit, each with the evidence that is known.
func written(known func(id string) bool, heading string, found []finding) contract.ReplyText {
	r := contract.ReplyText{Text: heading, Evidence: []string{}}
	for _, f := range found[:min(len(found), maxFindings)] {
		line := "\n- " + clip(f.text, maxFinding)
		ids := slices.DeleteFunc(slices.Clone(f.evidence), func(id string) bool { return !known(id) })
		if len(ids) > 0 {
			line += " (" + strings.Join(ids, ", ") + ")"
		}
		if len(r.Text)+len(line) > maxAnswer {
			break
		}
		r.Text += line
		for _, id := range ids {
			if !slices.Contains(r.Evidence, id) {
				r.Evidence = append(r.Evidence, id)
			}
		}
	}
	return r
}

// topical is what a report says on what a question asks for by a word such as "when".
func topical(req contract.AnswerRequest, words []string) []finding {
	r := req.Report
	if r == nil {
		return nil
	}
	asks := func(some ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(some, w) })
	}
	var found []finding
	if asks("when", "since", "began", "begin", "start", "started", "onset") && !r.Onset.IsZero() {
		found = append(found, finding{text: "It began at " + r.Onset.UTC().Format(time.RFC3339) + "."})
	}
	if asks("sure", "certain", "confident", "confidence", "proof", "prove", "proven") {
		found = append(found, finding{text: fmt.Sprintf("The report claims a confidence of %.0f%%, verdict %s.", 100*r.Confidence, plainVerdict(r.Verdict))})
	}
	if asks("fix", "repair", "mend", "solve", "solution", "rollback", "restart") && r.Fix != nil {
		found = append(found, finding{text: "It proposes " + r.Fix.Action + ": " + r.Fix.Why})
	}
	if asks("missing", "unknown", "unclear") {
		for _, m := range r.Missing {
			found = append(found, finding{text: "What is missing: " + m})
		}
	}
	if asks("else", "other", "alternative", "alternatives", "ruled", "instead") {
		for _, o := range r.RuledOut {
			found = append(found, ruledOut(o))
		}
	}
	if asks("cause", "culprit", "blame", "broke", "reason") {
		found = append(found, conclusion(*r)...)
	}
	return found
}

// conclusion is a report in short.
func conclusion(r investigation.Report) []finding {
	found := []finding{{text: r.Title + ". " + r.Summary}}
	for _, c := range r.Chain {
		found = append(found, claimed(c))
	}
	return found
}

// concerning finds what mentions words of the question.
func concerning(req contract.AnswerRequest, words []string) []finding {
	var found []finding
	add := func(f finding, also ...string) {
		if f.hits = hits(words, append(also, f.text)...); f.hits > 0 {
			found = append(found, f)
		}
	}
	if r := req.Report; r != nil {
		for _, c := range r.Chain {
			add(claimed(c))
		}
		for _, o := range r.RuledOut {
			add(ruledOut(o), string(o.Entity))
		}
		for _, m := range r.Missing {
			add(finding{text: "What is missing: " + m})
		}
	}
	for _, e := range req.Transcript.Evidence {
		if e.Error == "" {
			add(finding{text: e.Tool + " found: " + e.Summary, evidence: []string{e.ID}}, string(e.Arguments))
		}
	}
	for _, t := range req.Transcript.Request.Triggers {
		add(finding{text: "What raised it: " + t.Summary}, t.Service, strings.Join(t.Peers, " "))
	}
	return found
}

func claimed(c investigation.Claim) finding {
	if c.Struck != "" {
		return finding{text: "Claimed, and struck because " + c.Struck + ": " + c.Text, evidence: c.Evidence}
	}
	return finding{text: c.Text, evidence: c.Evidence}
}

func ruledOut(o investigation.RuledOut) finding {
	return finding{text: "Ruled out: " + string(o.Entity) + ": " + o.Why, evidence: o.Evidence}
}

// distinct drops a finding that says what an earlier one says.
func distinct(all []finding) []finding {
	var out []finding
	for _, f := range all {
		if !slices.ContainsFunc(out, func(o finding) bool { return o.text == f.text }) {
			out = append(out, f)
		}
	}
	return out
}

func plainVerdict(v investigation.Verdict) string { return strings.ReplaceAll(string(v), "_", " ") }

// clip keeps at most limit bytes of a text, on one line.
func clip(text string, limit int) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit-len("…")], "") + "…"
}
