package activities

import (
	"fmt"
	"strings"

	"github.com/midwatch/midwatch/internal/code"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/privacy"
)

// pullTitle is one line that means nothing to a code host: titles become messages of commits, where "fixes #12", "GH-12", "@name" and
// "[skip ci]" act.
func pullTitle(text string) string {
	text = strings.Join(strings.Fields(privacy.Plain(text)), " ")
	text = strings.NewReplacer("@", "(at)", "#", "no. ", "[", "(", "]", ")", "`", "'", "GH-", "GH ", "gh-", "gh ").Replace(text)
	return strings.TrimSpace(code.Cut(text, maxTitle))
}

// pullBody is the report as Markdown. Every word of it that is not ours is escaped.
func pullBody(r investigation.Report, fix investigation.Fix, at code.At, outbound func(string) string) string {
	say := func(text string) string { return privacy.Markdown(outbound(text)) }
	var b strings.Builder
	fmt.Fprintf(&b, "Midwatch investigated incident `%s` and proposes this change. A person approved exactly this content before it was "+
		"published; Midwatch never merges.\n\n", fix.Incident)
	fmt.Fprintf(&b, "## What happened\n\n%s\n\n%s\n\n", say(r.Title), say(r.Summary))
	fmt.Fprintf(&b, "Culprit: %s, %s. Confidence: %.0f%%.\n\n", say(string(r.Culprit)), say(string(r.Mechanism)), 100*r.Confidence)
	n := 0
	for _, c := range r.Chain {
		if c.Struck != "" {
			continue
		}
		n++
		fmt.Fprintf(&b, "%d. %s (evidence: %s)\n", n, strings.ReplaceAll(say(c.Text), "\n", " "), say(strings.Join(c.Evidence, ", ")))
	}
	fmt.Fprintf(&b, "\n## Why this change\n\n%s\n\n", say(r.Fix.Why))
	fmt.Fprintf(&b, "The code was read at commit %s only, the one that ran. Analyst: %s. Fix: `%s`.\n", at.Commit, say(r.Analyst), fix.ID)
	return b.String()
}
