package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/midwatch/midwatch/api/client"
	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/privacy"
	"github.com/midwatch/midwatch/internal/terminal"
)

// line is text from outside, or from a model, as one line that neither drives the terminal nor is a link in it.
func line(text string) string { return terminal.Line(privacy.Plain(text)) }

// invisible tells whether a character is not seen but acts.
func invisible(r rune) bool { return privacy.Plain(string(r)) == "" }

// followTurns prints each turn once, then the whole.
func followTurns(ctx context.Context, c *client.Client, id string, progress, out io.Writer) error {
	last, err := turns(ctx, c, id, progress)
	if err != nil {
		return err
	}
	writeInvestigation(out, last)
	return nil
}

// turns prints each turn of an investigation once, until it ends.
func turns(ctx context.Context, c *client.Client, id string, progress io.Writer) (last wire.InvestigationDetail, err error) {
	shown := 0
	err = c.Watch(ctx, id, func(inv wire.InvestigationDetail) bool {
		for ; shown < len(inv.Turns); shown++ {
			writeTurn(progress, inv.Turns[shown])
		}
		last = inv
		return inv.Status == "running" || inv.Status == ""
	})
	return last, err
}

func writeTurn(w io.Writer, t investigation.Turn) {
	fmt.Fprintf(w, "  turn %d  %s\n", t.Number, line(t.Say))
	for _, call := range t.Calls {
		fmt.Fprintf(w, "          %-18s %s\n", call.Tool, line(call.Why))
	}
}

// writeInvestigation is a report as one reads it at night: verdict, three sentences, why, what to do.
func writeInvestigation(w io.Writer, inv wire.InvestigationDetail) {
	if inv.Report == nil {
		fmt.Fprintf(w, "%s is %s; no report yet.\n", inv.ID, inv.Status)
		for _, t := range inv.Turns {
			writeTurn(w, t)
		}
		return
	}
	r := inv.Report
	fmt.Fprintf(w, "\n%s\n%s\n\n", line(r.Title), strings.Repeat("─", min(len([]rune(r.Title)), 100)))
	fmt.Fprintf(w, "  verdict     %s, confidence %.0f%%\n", strings.ReplaceAll(string(r.Verdict), "_", " "), 100*r.Confidence)
	if r.Culprit != "" {
		fmt.Fprintf(w, "  culprit     %s\n  mechanism   %s\n", line(string(r.Culprit)), line(string(r.Mechanism)))
	}
	if !r.Onset.IsZero() {
		fmt.Fprintf(w, "  began       %s\n", r.Onset.Local().Format("15:04:05"))
	}
	if raised := raisedBy(inv.Request); raised != "" {
		fmt.Fprintf(w, "  raised by   %s\n", strings.TrimSpace(wrap(line(raised), "              ")))
		writeSeries(w, inv.Request)
	}
	fmt.Fprintf(w, "\n%s\n", wrap(line(r.Summary), "  "))
	writeChain(w, inv)
	for _, o := range r.RuledOut {
		fmt.Fprintf(w, "  not %s: %s\n", line(string(o.Entity)), line(o.Why))
	}
	for _, m := range r.Missing {
		fmt.Fprintf(w, "  missing: %s\n", line(m))
	}
	for _, p := range inv.Request.Past {
		fmt.Fprintf(w, "  like %s of %s: %s (%s)\n", p.Incident, p.At.Local().Format(time.DateTime), terminal.Line(p.Title), strings.ReplaceAll(p.Outcome, "_", " "))
	}
	for _, f := range inv.Fixes {
		writeFix(w, f)
	}
	fmt.Fprintf(w, "\n  %s, %d turns, by %s\n", inv.ID, len(inv.Turns), line(r.Analyst))
	writeModels(w, inv.Models)
	for _, q := range inv.Questions {
		writeQuestion(w, inv, q)
	}
}

// firstAlarm is the first trigger that says that something is wrong, or else the first; there is one.
func firstAlarm(r investigation.Request) investigation.Trigger {
	return r.Triggers[max(0, slices.IndexFunc(r.Triggers, func(t investigation.Trigger) bool { return t.Kind != investigation.Deployment }))]
}

// writeSeries lists the series for which the rule of the first alarm holds, as far as its trigger does.
func writeSeries(w io.Writer, r investigation.Request) {
	if r.Question != "" || len(r.Triggers) == 0 {
		return
	}
	first, listed := firstAlarm(r), 0
	for _, name := range slices.Sorted(maps.Keys(first.Attributes)) {
		if strings.HasPrefix(name, "series.") {
			listed++
			fmt.Fprintf(w, "              %s\n", line(first.Attributes[name]))
		}
	}
	if all, _ := strconv.Atoi(first.Attributes["series"]); all > listed {
		fmt.Fprintf(w, "              and %d more\n", all-listed)
	}
}

// raisedBy is the question that was asked, or the first alarm, and how many more there were.
func raisedBy(r investigation.Request) string {
	if r.Question != "" {
		return "the question: " + r.Question
	}
	if len(r.Triggers) == 0 {
		return ""
	}
	first := firstAlarm(r)
	if more := len(r.Triggers) - 1; more > 0 {
		return fmt.Sprintf("%s (and %d more)", first.Summary, more)
	}
	return first.Summary
}

// writeModels says what models took, if any was asked.
func writeModels(w io.Writer, m *wire.ModelUse) {
	if m == nil {
		return
	}
	tokens := m.Usage.Input + m.Usage.Output + m.Usage.CacheRead + m.Usage.CacheWrite
	fmt.Fprintf(w, "  %d model calls, %d tokens, %s\n", m.Calls, tokens, dollars(m.Cost))
	if m.Trouble != "" {
		fmt.Fprintf(w, "  the latest was not answered: %s\n", line(m.Trouble))
	}
}

func writeChain(w io.Writer, inv wire.InvestigationDetail) {
	if len(inv.Report.Chain) == 0 {
		return
	}
	fmt.Fprintln(w, "\n  why")
	cited := map[string]bool{}
	for i, c := range inv.Report.Chain {
		held := 0
		for _, k := range c.Checks {
			if k.Counts {
				held++
			}
		}
		note := fmt.Sprintf("%s; %d of %d checks tell it from healthy time", line(strings.Join(c.Evidence, ", ")), held, len(c.Checks))
		if c.Struck != "" {
			note = "struck: " + line(c.Struck)
		}
		fmt.Fprintf(w, "%s\n       [%s]\n", wrap(fmt.Sprintf("%d. %s", i+1, line(c.Text)), "    "), note)
		for _, e := range c.Evidence {
			cited[e] = true
		}
	}
	fmt.Fprintln(w, "\n  evidence")
	for _, e := range inv.Evidence {
		if cited[e.ID] {
			fmt.Fprintf(w, "    %-4s %-18s %s\n", e.ID, e.Tool, line(e.Summary))
		}
	}
	fmt.Fprintln(w)
}

func writeFix(w io.Writer, f investigation.Fix) {
	fmt.Fprintf(w, "\n  fix         %s (%s)\n", f.Action, strings.ReplaceAll(f.Status, "_", " "))
	for n, l := range strings.Split(f.Content, "\n") { // of a pull request: the whole difference
		label := ""
		if n == 0 {
			label = "will run"
		}
		fmt.Fprintf(w, "  %-10s  %s\n", label, exactly(l))
	}
	if f.Why != "" {
		fmt.Fprintf(w, "  because     %s\n", line(f.Why))
	}
	if words := approvals(f, time.Now()); words != "" {
		fmt.Fprintf(w, "  approved    %s\n", words)
	}
	if f.Result != "" {
		fmt.Fprintf(w, "  result      %s\n", exactly(terminal.Line(f.Result)))
	}
	fmt.Fprintf(w, "  digest      %s\n", f.Digest)
}

// approvals says how far a fix is that needs several people: "1 of 2 approvals, by ann (until 03:15)"; "" for any other.
func approvals(f investigation.Fix, now time.Time) string {
	if f.Needed < 2 {
		return ""
	}
	if f.Status != "awaiting_approval" {
		now = time.Time{} // they counted when it was decided
	}
	needed, given := f.Quorate(now)
	words := fmt.Sprintf("%d of %d approvals", len(given), needed)
	for n, g := range given {
		words += map[bool]string{true: ", by ", false: ", "}[n == 0] + line(g.Approver)
		if f.Status == "awaiting_approval" {
			words += g.ExpiresAt.Local().Format(" (until 15:04)")
		}
	}
	return words
}

// exactly shows what will run: nothing of it is dropped or changed, what would not be seen is escaped.
func exactly(text string) string {
	var out strings.Builder
	for _, r := range text {
		if strconv.IsPrint(r) && !invisible(r) {
			out.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRune(r)
		out.WriteString(quoted[1 : len(quoted)-1])
	}
	return out.String()
}

const width = 100

// wrap breaks text at spaces, each line indented.
func wrap(text, indent string) string {
	var b strings.Builder
	line := indent
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > width && line != indent {
			b.WriteString(line + "\n")
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	b.WriteString(line)
	return b.String()
}
