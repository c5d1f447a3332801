package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/investigation"
)

func (r *remote) askCommand() *cobra.Command {
	return &cobra.Command{
		Use: "ask ID \"question\"", Short: "Ask about an investigation, running or ended, and wait for the answer", Args: wants(2),
		Long: `Asks a follow-up question about an investigation and prints the answer with the evidence it rests on. Where AI is on, a model
answers, and may look at telemetry as far as your token may; where it is off, the built-in analyst says what the report and its
evidence hold on the words of the question. The report stays as it is.`,
		Example: `  midwatch investigations ask inv-0123456789ab "was the database slow before the deployment?"`,
		RunE:    r.ask,
	}
}

// ask puts a question and follows it to its end.
func (r *remote) ask(cmd *cobra.Command, args []string) error {
	c, err := r.client()
	if err != nil {
		return err
	}
	id, err := investigationOf(cmd, c, args[0])
	if err != nil {
		return err
	}
	asked, err := c.AskQuestion(cmd.Context(), id, wire.AskQuestion{Text: args[1]})
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "question %d of %s\n", asked.Number, id)
	shown := 0
	var ended *investigation.Question
	err = c.Watch(cmd.Context(), id, func(inv wire.InvestigationDetail) bool {
		i := slices.IndexFunc(inv.Questions, func(q investigation.Question) bool { return q.ID == asked.ID })
		if i < 0 {
			return true
		}
		q := inv.Questions[i]
		for ; shown < len(q.Turns); shown++ {
			writeTurn(cmd.ErrOrStderr(), q.Turns[shown])
		}
		if q.Status == investigation.QuestionAsked {
			return true
		}
		ended = &q
		writeQuestion(cmd.OutOrStdout(), inv, q)
		return false
	})
	switch {
	case err != nil:
		return err
	case ended == nil:
		return fmt.Errorf("there is no answer yet; `midwatch investigations show %s` has it later", id)
	case ended.Answer == nil:
		return exitCode(1)
	}
	return nil
}

// writeUnderstood says what of a question to investigate was understood.
func writeUnderstood(w io.Writer, asked wire.Asked) {
	if len(asked.Services) > 0 {
		fmt.Fprintf(w, "  about %s\n", line(strings.Join(asked.Services, ", ")))
	}
	if asked.Window != nil {
		fmt.Fprintf(w, "  from %s to %s\n", asked.Window.From.Local().Format(time.DateTime), asked.Window.To.Local().Format(time.DateTime))
	}
	switch {
	case asked.Found != nil:
		fmt.Fprintf(w, "  no time was understood; something began at %s, looking from there to %s\n",
			asked.Found.From.Local().Format(time.DateTime), asked.Found.To.Local().Format(time.DateTime))
	case asked.Window == nil:
		fmt.Fprintln(w, "  no time was understood, and nothing was seen to begin in the last hour; looking at the last minutes")
	}
	if len(asked.Misread) > 0 {
		fmt.Fprintf(w, "  not understood as a time: %s\n", line(strings.Join(asked.Misread, ", ")))
	}
	if len(asked.Unknown) > 0 {
		fmt.Fprintf(w, "  not seen here lately: %s\n", line(strings.Join(asked.Unknown, ", ")))
	}
}

// writeQuestion is a question with its answer, and the evidence that it rests on.
func writeQuestion(w io.Writer, inv wire.InvestigationDetail, q investigation.Question) {
	fmt.Fprintf(w, "\n  %s asked: %s\n", line(q.Asker), line(q.Text))
	if q.Answer == nil {
		why := q.Status
		if q.Failure != "" {
			why += ": " + line(q.Failure)
		}
		fmt.Fprintf(w, "    no answer (%s)\n", why)
		return
	}
	if q.Answer.NoModel != "" {
		fmt.Fprintln(w, wrap("No model answered: "+line(q.Answer.NoModel)+".", "    "))
	}
	for _, l := range strings.Split(q.Answer.Text, "\n") {
		fmt.Fprintln(w, wrap(line(l), "    "))
	}
	for _, e := range inv.Evidence {
		if slices.Contains(q.Answer.Evidence, e.ID) {
			fmt.Fprintf(w, "      %-4s %-18s %s\n", e.ID, e.Tool, line(e.Summary))
		}
	}
	fmt.Fprintf(w, "    by %s\n", line(q.Answer.Analyst))
}
