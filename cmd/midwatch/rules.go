package main

import (
	"cmp"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/midwatch/midwatch/api/wire"
)

func rulesCommand(in *installation) *cobra.Command {
	r := &remote{in: in}
	cmd := &cobra.Command{
		Use: "rules", Short: "List the alert rules that people wrote, and what became of them", Args: cobra.NoArgs,
		Long: `Lists the alert rules of the configuration file and, in a cluster, the AlertRule objects, as they were evaluated last:

  failed    it was not evaluated, or not wholly; the problem is said
  raised    it holds, and is raised
  waiting   it holds, and not yet for as long as it has to
  no_data   nothing of what it reads was measured lately
  quiet     it holds for nothing`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := r.client()
			if err != nil {
				return err
			}
			all, err := c.Rules(cmd.Context())
			if err != nil {
				return err
			}
			return writeRules(cmd.OutOrStdout(), all, time.Now())
		},
	}
	r.flags(cmd)
	return cmd
}

// rulesStale is how long ago rules may have been evaluated: it is done every few seconds.
const rulesStale = 2 * time.Minute

func writeRules(w io.Writer, all wire.AlertRules, now time.Time) error {
	switch {
	case all.At.IsZero():
		_, err := fmt.Fprintln(w, "Alert rules were never evaluated: is a worker of the role tools running?")
		return err
	case now.Sub(all.At) > rulesStale:
		fmt.Fprintf(w, "Evaluated last at %s, and not since: is a worker of the role tools running?\n", all.At.Local().Format(time.DateTime))
	}
	if all.Problem != "" {
		fmt.Fprintln(w, line(all.Problem))
	}
	if len(all.Rules) == 0 {
		_, err := fmt.Fprintln(w, "There is no alert rule: docs/rules.md says how one is written.")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "RULE\tSEVERITY\tSTATE\tSERIES\tRAISED\tPROBLEM")
	for _, r := range all.Rules {
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%s\n", line(r.Name), r.Severity, r.State, r.Series, r.Raised, cmp.Or(line(r.Problem), "-"))
	}
	return t.Flush()
}
