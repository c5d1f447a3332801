package workflows

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/midwatch/midwatch/internal/investigation"
)

// maxLine is what Temporal keeps of a summary, in bytes, with room for the ellipsis.
const maxLine = 196

// line makes text safe for the Temporal UI, which renders summaries as Markdown: one line, no markup, at most 200 bytes.
func line(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsControl(r) {
			r = ' '
		}
		if strings.ContainsRune("\\`*_[]<>#|~!", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return cut(strings.Join(strings.Fields(b.String()), " "), maxLine)
}

// cut shortens text to at most limit bytes plus an ellipsis, between runes and never behind a lone backslash.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for !utf8.RuneStart(text[limit]) {
		limit--
	}
	return strings.TrimRight(text[:limit], "\\ ") + "…"
}

// tell sets what the Temporal UI shows on top of a running workflow.
func tell(ctx workflow.Context, text string) { workflow.SetCurrentDetails(ctx, line(text)) }

// mark sets search attributes. A server without them refuses, which must not stop an incident: it is logged.
func mark(ctx workflow.Context, updates ...temporal.SearchAttributeUpdate) {
	if err := workflow.UpsertTypedSearchAttributes(ctx, updates...); err != nil {
		workflow.GetLogger(ctx).Warn("set search attributes", "error", err)
	}
}

// attributesOf describes an incident's triggers for the Temporal UI's list. A name comes from telemetry: one that is longer than
// the server takes would hold up whoever starts the workflow for ever.
func attributesOf(ts []investigation.Trigger, phase string) temporal.SearchAttributes {
	first := leading(ts)
	return temporal.NewSearchAttributes(
		ServiceAttribute.ValueSet(cut(first.Service, maxLine)), SeverityAttribute.ValueSet(string(first.Severity)),
		TriggerAttribute.ValueSet(string(first.Kind)), PhaseAttribute.ValueSet(phase))
}
