package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/llm"
)

func (r *remote) aiLedger() *cobra.Command {
	var filter struct {
		investigation, provider, state string
		limit                          int
	}
	cmd := &cobra.Command{
		Use: "ledger [ID]", Short: "List the calls to models; with an id: all that was sent and received", Args: wantsUpTo(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.client()
			if err != nil {
				return err
			}
			if len(args) == 1 {
				e, err := c.LedgerEntry(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return writeLedgerEntry(cmd.OutOrStdout(), e)
			}
			query := url.Values{"limit": {strconv.Itoa(filter.limit)}}
			for name, value := range map[string]string{"investigation": filter.investigation, "provider": filter.provider, "state": filter.state, "environment": r.environment} {
				if value != "" {
					query.Set(name, value)
				}
			}
			page, err := c.Ledger(cmd.Context(), query)
			if err != nil {
				return err
			}
			return writeLedger(cmd.OutOrStdout(), page)
		},
	}
	cmd.Flags().StringVar(&filter.investigation, "investigation", "", "only calls of this investigation")
	cmd.Flags().StringVar(&filter.provider, "provider", "", "only calls to this provider")
	cmd.Flags().StringVar(&filter.state, "state", "", "begun, answered, failed or closed")
	cmd.Flags().IntVar(&filter.limit, "limit", 50, "how many calls, newest first")
	return cmd
}

func writeLedger(w io.Writer, page wire.Ledger) error {
	if len(page.Entries) == 0 {
		fmt.Fprintln(w, "No call was made to a model.")
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tTIME\tINVESTIGATION\tTURN\tPROVIDER\tACCOUNT\tTOKENS IN\tOUT\tCOST\tSTATE\tDATA\tREDACTED")
	for _, e := range page.Entries {
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%s\t%d\t%d\t%s\t%s\t%s\t%d\n", e.ID, e.BegunAt.Local().Format(time.DateTime), line(e.Call.Investigation),
			e.Call.Turn, line(e.Provider), line(e.Account), e.Usage.Input+e.Usage.CacheRead+e.Usage.CacheWrite, e.Usage.Output, dollars(e.Cost), e.State,
			orNone(e.DataTypes), redacted(e))
	}
	fmt.Fprintln(t, "\nDAY (UTC)\tCALLS\tCOST")
	for _, d := range page.Days {
		fmt.Fprintf(t, "%s\t%d\t%s\n", d.Day, d.Calls, dollars(d.Cost))
	}
	if page.Next != "" {
		fmt.Fprintln(t, "\nThere are older calls: --limit shows more.")
	}
	return t.Flush()
}

func writeLedgerEntry(w io.Writer, e llm.Entry) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range [][2]string{
		{"call", fmt.Sprintf("turn %d, ask %d, attempt %d of %s in %s", e.Call.Turn, e.Call.Ask, e.Attempt, e.Call.Investigation, e.Environment)},
		{"to", fmt.Sprintf("%s (%s), account %s, model %s", e.Provider, e.Kind, e.Account, e.Model)},
		{"state", strings.TrimSuffix(fmt.Sprintf("%s: %s", e.State, e.Error), ": ")},
		{"begun", e.BegunAt.Local().Format(time.DateTime)},
		{"took", took(e)},
		{"tokens", fmt.Sprintf("%d in, %d from cache, %d to cache, %d out", e.Usage.Input, e.Usage.CacheRead, e.Usage.CacheWrite, e.Usage.Output)},
		{"cost", dollars(e.Cost)},
		{"data", orNone(e.DataTypes)},
	} {
		fmt.Fprintf(t, "%s\t%s\n", f[0], line(f[1]))
	}
	for _, kind := range slices.Sorted(maps.Keys(e.Redactions)) {
		fmt.Fprintf(t, "redacted\t%s, %d times\n", line(kind), e.Redactions[kind])
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nsent\n%s\n", document(e.Request))
	if e.Response != nil {
		fmt.Fprintf(w, "\nreceived\n%s\n", document(e.Response))
	}
	return nil
}

func took(e llm.Entry) string {
	if e.EndedAt.IsZero() {
		return "has not ended"
	}
	return e.EndedAt.Sub(e.BegunAt).Round(time.Millisecond).String()
}

// redacted is how often something was removed or replaced.
func redacted(e llm.Entry) (times int) {
	for _, n := range e.Redactions {
		times += n
	}
	return times
}

// dollars writes millionths of a dollar.
func dollars(millionths int64) string { return fmt.Sprintf("$%.4f", float64(millionths)/1e6) }

// document prints JSON over several lines, to the letter: whatever would act on a terminal or hide there is escaped.
func document(raw json.RawMessage) string {
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, raw, "", "  "); err != nil {
		return strconv.QuoteToGraphic(string(raw))
	}
	lines := strings.Split(pretty.String(), "\n")
	for i := range lines {
		lines[i] = exactly(lines[i])
	}
	return strings.Join(lines, "\n")
}
