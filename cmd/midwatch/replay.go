package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/terminal"
)

func replayCommand(in *installation) *cobra.Command {
	r := &remote{in: in}
	var model, analyst string
	cmd := &cobra.Command{
		Use: "replay ID (--model PROVIDER | --analyst builtin)", Short: "Investigate again on the stored evidence, with another analyst, and compare",
		Long: `Investigates again what an investigation was about, with another analyst. Tool calls that were made then are answered from
the stored evidence; others are answered "not recorded". Nothing follows from the report.`,
		Args: wants(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if model != "" {
				analyst = model
			}
			if analyst == "" {
				return errors.New("say with whom: --model PROVIDER or --analyst builtin")
			}
			c, err := r.client()
			if err != nil {
				return err
			}
			made, err := c.Replay(cmd.Context(), args[0], analyst)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "replay %s\n", made.Investigation)
			again, err := turns(cmd.Context(), c, made.Investigation, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			past, err := c.Investigation(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return writeComparison(cmd.OutOrStdout(), past, again)
		},
	}
	r.flags(cmd)
	cmd.Flags().StringVar(&model, "model", "", "name of a model provider that policy lists")
	cmd.Flags().StringVar(&analyst, "analyst", "", "builtin")
	cmd.MarkFlagsMutuallyExclusive("model", "analyst")
	return cmd
}

// writeComparison prints two reports side by side and marks what differs.
func writeComparison(w io.Writer, a, b wire.InvestigationDetail) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "\t%s\t%s\n", a.ID, b.ID)
	row := func(name, left, right string) {
		mark := ""
		if left != right {
			mark = "≠"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", name, terminal.Line(left), terminal.Line(right), mark)
	}
	left, right := reportOf(a), reportOf(b)
	row("analyst", left.Analyst, right.Analyst)
	row("verdict", string(left.Verdict), string(right.Verdict))
	row("culprit", string(left.Culprit), string(right.Culprit))
	row("mechanism", string(left.Mechanism), string(right.Mechanism))
	row("confidence", fmt.Sprintf("%.0f%%", 100*left.Confidence), fmt.Sprintf("%.0f%%", 100*right.Confidence))
	row("claims standing", standing(left), standing(right))
	row("fix", fixOf(left), fixOf(right))
	row("turns", fmt.Sprint(len(a.Turns)), fmt.Sprint(len(b.Turns)))
	row("tool calls", called(a), called(b))
	if err := t.Flush(); err != nil {
		return err
	}
	for _, side := range []wire.InvestigationDetail{a, b} {
		r := reportOf(side)
		fmt.Fprintf(w, "\n%s  %s\n%s\n", side.ID, terminal.Line(r.Title), wrap(terminal.Line(r.Summary), "  "))
		for n, c := range r.Chain {
			note := ""
			if c.Struck != "" {
				note = "  [struck: " + terminal.Line(c.Struck) + "]"
			}
			fmt.Fprintln(w, wrap(fmt.Sprintf("%d. %s%s", n+1, terminal.Line(c.Text), note), "    "))
		}
	}
	return nil
}

// reportOf is an empty one where there is none: an investigation that failed.
func reportOf(d wire.InvestigationDetail) investigation.Report {
	if d.Report == nil {
		return investigation.Report{Verdict: investigation.Verdict("none (" + d.Status + ")")}
	}
	return *d.Report
}

func standing(r investigation.Report) string {
	struck := 0
	for _, c := range r.Chain {
		if c.Struck != "" {
			struck++
		}
	}
	return fmt.Sprintf("%d of %d", len(r.Chain)-struck, len(r.Chain))
}

func fixOf(r investigation.Report) string {
	if r.Fix == nil {
		return "none"
	}
	var with []string
	for name, value := range r.Fix.Parameters {
		with = append(with, name+"="+value)
	}
	slices.Sort(with)
	return strings.TrimSpace(r.Fix.Action + " " + strings.Join(with, " "))
}

// called counts the tool calls that have evidence, and those of them without an answer.
func called(d wire.InvestigationDetail) string {
	n, without := 0, 0
	for _, e := range d.Evidence {
		if strings.HasSuffix(e.Call, "/control") || e.Question != 0 {
			continue
		}
		n++
		if e.Error != "" {
			without++
		}
	}
	if without > 0 {
		return fmt.Sprintf("%d, %d without an answer", n, without)
	}
	return fmt.Sprint(n)
}
