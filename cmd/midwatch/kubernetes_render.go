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

// asIs is text of the cluster on one line as it is, links too: who looks at an object may need what it says. Only what would drive the terminal or
// show as something else is left out.
func asIs(text string) string { return terminal.Line(text) }

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
	if len(list.Objects) == 0 && !tellUnknown(cmd, list.Reach) {
		fmt.Fprintf(cmd.OutOrStdout(), "Nothing of kind %s was there at %s.\n", asIs(list.Kind), stamp(list.At))
	}
	if len(list.Objects) == 0 {
		return nil
	}
	tellReach(cmd, list.Reach)
	fmt.Fprintf(cmd.ErrOrStderr(), "%s at %s\n", asIs(list.Kind), stamp(list.At))
	t := table(cmd)
	fmt.Fprintln(t, "NAMESPACE\tNAME\tREADY\tSTATUS\tRESTARTS\tAGE\tNODE\tIMAGES")
	for _, o := range list.Objects {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", asIs(o.Namespace), asIs(o.Name), asIs(o.Ready), asIs(o.Status), o.Restarts, age(o.AgeS), asIs(o.Node),
			asIs(strings.Join(o.Images, ",")))
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
	tellReach(cmd, v.Reach)
	if v.Actor == "" { // it does not name one, or is known from being told again
		fmt.Fprintf(cmd.ErrOrStderr(), "version %s, as of %s\n", asIs(v.Object.Version), stamp(v.Object.Since))
	} else {
		fmt.Fprintf(cmd.ErrOrStderr(), "version %s, since %s, changed by %s\n", asIs(v.Object.Version), stamp(v.Object.Since), asIs(v.Actor))
	}
	text := v.YAML
	if text == "" {
		var b bytes.Buffer
		if err := json.Indent(&b, v.Manifest, "", "  "); err != nil {
			return err
		}
		text = b.String() + "\n"
	}
	for l := range strings.Lines(text) {
		fmt.Fprintln(cmd.OutOrStdout(), asIs(strings.TrimSuffix(l, "\n")))
	}
	return nil
}

func writeEvents(cmd *cobra.Command, events result.KubernetesEvents) error {
	tellReach(cmd, events.Reach)
	if len(events.Events) == 0 {
		fmt.Fprintln(cmd.OutOrStdout(), "The cluster said nothing in that time.")
		return nil
	}
	t := table(cmd)
	fmt.Fprintln(t, "LAST\tTYPE\tTIMES\tNAMESPACE\tWORKLOAD\tREASON\tNOTE")
	for _, e := range events.Events {
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\t%s\n", stamp(e.Last), asIs(e.Type), e.Count, asIs(e.Namespace), asIs(e.Workload), asIs(e.Reason), asIs(e.Note))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return more(cmd, events.Omitted, "kinds of Event")
}

func writeServicePods(cmd *cobra.Command, s result.ServicePods) error {
	if !s.Exists && len(s.Pods) == 0 {
		if !tellUnknown(cmd, s.Reach) {
			fmt.Fprintf(cmd.OutOrStdout(), "There was no such Service at %s. Is its namespace right (-n)?\n", stamp(s.At))
		}
		return nil
	}
	tellReach(cmd, s.Reach)
	fmt.Fprintf(cmd.ErrOrStderr(), "at %s: %s %s, %d of %d ready\n", stamp(s.At), asIs(s.Type), asIs(s.Address), s.Ready, s.Ready+s.NotReady)
	t := table(cmd)
	fmt.Fprintln(t, "POD\tREADY\tSTATUS\tRESTARTS\tADDRESS\tNODE\tWORKLOAD")
	for _, p := range s.Pods {
		fmt.Fprintf(t, "%s\t%v\t%s\t%d\t%s\t%s\t%s\n", asIs(p.Name), p.Ready, asIs(p.Status), p.Restarts, asIs(strings.Join(p.Addresses, ",")), asIs(p.Node), asIs(p.Workload))
	}
	return t.Flush()
}
