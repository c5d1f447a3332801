package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/midwatch/midwatch/internal/terminal"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// age is written as kubectl writes it: 45s, 12m, 3h5m, 6d.
func age(seconds float64) string {
	d := time.Duration(seconds) * time.Second
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 8*time.Hour:
		return fmt.Sprintf("%dh%dm", int(d.Hours()), int(d.Minutes())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours())/24)
}

func table(cmd *cobra.Command) *tabwriter.Writer {
	return tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
}

func stamp(t time.Time) string { return t.Local().Format(time.DateTime) }

func writeObjects(cmd *cobra.Command, list result.KubernetesObjects) error {
	if len(list.Objects) == 0 {
		fmt.Fprintf(cmd.OutOrStdout(), "Nothing of kind %s was there at %s.\n", line(list.Kind), stamp(list.At))
		return nil
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s at %s\n", line(list.Kind), stamp(list.At))
	t := table(cmd)
	fmt.Fprintln(t, "NAMESPACE\tNAME\tREADY\tSTATUS\tRESTARTS\tAGE\tNODE\tIMAGES")
	for _, o := range list.Objects {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", line(o.Namespace), line(o.Name), line(o.Ready), line(o.Status), o.Restarts, age(o.AgeS), line(o.Node),
			line(strings.Join(o.Images, ",")))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return more(cmd, list.Omitted, "objects")
}

// more says what is not shown.
func more(cmd *cobra.Command, n int, what string) error {
	if n > 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "%d more %s are not shown; ask for fewer.\n", n, what)
	}
	return nil
}

func writeVersion(cmd *cobra.Command, v result.KubernetesVersion) error {
	fmt.Fprintf(cmd.ErrOrStderr(), "version %s, since %s, changed by %s\n", line(v.Object.Version), stamp(v.Object.Since), line(orUnknown(v.Actor)))
	text := v.YAML
	if text == "" {
		var b bytes.Buffer
		if err := json.Indent(&b, v.Manifest, "", "  "); err != nil {
			return err
		}
		text = b.String() + "\n"
	}
	for l := range strings.Lines(text) {
		fmt.Fprintln(cmd.OutOrStdout(), terminal.Line(strings.TrimSuffix(l, "\n"))) // whole, unlike line: it may be applied again
	}
	return nil
}

func orUnknown(actor string) string {
	if actor == "" {
		return "somebody it does not name"
	}
	return actor
}

func writeHistory(cmd *cobra.Command, h result.KubernetesHistory) error {
	out := cmd.OutOrStdout()
	if len(h.Versions) == 0 {
		fmt.Fprintln(out, "No change of it was recorded in that time. Is its namespace right (-n), and was it watched then?")
	}
	for _, v := range h.Versions {
		fmt.Fprintf(out, "%s  %s by %s, now %s\n", stamp(v.Time), v.Action, line(orUnknown(v.Actor)), line(v.Status))
		writeDifferences(cmd, v.Differences, v.Omitted)
	}
	return more(cmd, h.Omitted, "older versions")
}

func writeDifferences(cmd *cobra.Command, list []result.KubernetesDifference, omitted int) {
	for _, d := range list {
		fmt.Fprintf(cmd.OutOrStdout(), "    %s: %s → %s\n", line(d.Path), orNothing(d.Before), orNothing(d.After))
	}
	if omitted > 0 {
		fmt.Fprintf(cmd.OutOrStdout(), "    and %d more\n", omitted)
	}
}

func orNothing(text string) string {
	if text == "" {
		return "(none)"
	}
	return line(text)
}

func writeDiff(cmd *cobra.Command, d result.KubernetesDiff) error {
	out := cmd.OutOrStdout()
	if len(d.Objects) == 0 {
		fmt.Fprintf(out, "Nothing of kind %s differs.\n", line(d.Kind))
	}
	for _, o := range d.Objects {
		fmt.Fprintf(out, "%s %s  %s at %s by %s\n", o.Action, line(strings.TrimPrefix(o.Namespace+"/"+o.Name, "/")), line(d.Kind), stamp(o.Since), line(orUnknown(o.Actor)))
		writeDifferences(cmd, o.Differences, o.Omitted)
	}
	return more(cmd, d.Omitted, "objects")
}

func writeEvents(cmd *cobra.Command, events result.KubernetesEvents) error {
	if len(events.Events) == 0 {
		fmt.Fprintln(cmd.OutOrStdout(), "The cluster said nothing in that time.")
		return nil
	}
	t := table(cmd)
	fmt.Fprintln(t, "LAST\tTYPE\tTIMES\tNAMESPACE\tWORKLOAD\tREASON\tNOTE")
	for _, e := range events.Events {
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\t%s\n", stamp(e.Last), line(e.Type), e.Count, line(e.Namespace), line(e.Workload), line(e.Reason), line(e.Note))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return more(cmd, events.Omitted, "kinds of Event")
}

func writeServicePods(cmd *cobra.Command, s result.ServicePods) error {
	fmt.Fprintf(cmd.ErrOrStderr(), "at %s: %s %s, %d of %d ready\n", stamp(s.At), line(s.Type), line(s.Address), s.Ready, s.Ready+s.NotReady)
	t := table(cmd)
	fmt.Fprintln(t, "POD\tREADY\tSTATUS\tRESTARTS\tADDRESS\tNODE\tWORKLOAD")
	for _, p := range s.Pods {
		fmt.Fprintf(t, "%s\t%v\t%s\t%d\t%s\t%s\t%s\n", line(p.Name), p.Ready, line(p.Status), p.Restarts, line(strings.Join(p.Addresses, ",")), line(p.Node), line(p.Workload))
	}
	return t.Flush()
}
