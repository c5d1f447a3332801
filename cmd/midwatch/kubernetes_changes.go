package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/midwatch/midwatch/internal/kubernetes"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// tellReach says aside that a question reaches back before the cluster was watched.
func tellReach(cmd *cobra.Command, r result.Reach) {
	if !r.WatchedSince.IsZero() {
		fmt.Fprintf(cmd.ErrOrStderr(), "Watched since %s; of before is known only what had not changed until then.\n", stamp(r.WatchedSince))
	}
}

// tellUnknown says, of an answer that is empty because the cluster was not watched, just that.
func tellUnknown(cmd *cobra.Command, r result.Reach) bool {
	if r.WatchedSince.IsZero() {
		return false
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Watched since %s; nothing is known of before.\n", stamp(r.WatchedSince))
	return true
}

// by says who made a change, where the object tells.
func by(actors ...string) string {
	named := []string{}
	for _, a := range actors {
		if a != "" && !slices.Contains(named, a) {
			named = append(named, a)
		}
	}
	if len(named) == 0 {
		return ", it does not say by whom"
	}
	return " by " + asIs(strings.Join(named, ", "))
}

// whoDeletes is what there is to say of the one that everybody asks for.
const whoDeletes = "Kubernetes does not keep in an object who deletes it. The API server's audit log tells, where there is one; kubernetes events may tell why."

func writeHistory(cmd *cobra.Command, h result.KubernetesHistory) error {
	out := cmd.OutOrStdout()
	tellReach(cmd, h.Reach)
	if len(h.Versions) == 0 {
		fmt.Fprintln(out, "No change of it was recorded in that time. Is its namespace right (-n)?")
	}
	folded, deleted := false, false
	for _, v := range h.Versions {
		ends := v.Action == telemetry.ObjectDeleted || terminates(v.Differences)
		folded, deleted = folded || v.Folded > 0, deleted || ends
		fmt.Fprintln(out, versionLine(v))
		writeDifferences(cmd, v.Differences, v.Omitted)
	}
	if folded {
		fmt.Fprintln(cmd.ErrOrStderr(), "--all shows each version of status alone, and what differs.")
	}
	if deleted {
		fmt.Fprintln(cmd.ErrOrStderr(), whoDeletes)
	}
	return more(cmd, h.Omitted, "older versions")
}

// versionLine is one version, or those that are folded, without what differs.
func versionLine(v result.KubernetesChange) string {
	now := ""
	if v.Status != "" {
		now = ", now " + asIs(v.Status)
	}
	switch {
	case v.Folded > 0:
		if len(v.Statuses) > 1 {
			now = ": " + asIs(strings.Join(v.Statuses, " → "))
		}
		return fmt.Sprintf("%s  %d %s of status alone%s", span(v.Time, v.Until), v.Folded, plural(v.Folded, "version"), now)
	case v.Action == telemetry.ObjectDeleted:
		if v.Status != "" {
			now = ", it was " + asIs(v.Status)
		}
		return stamp(v.Time) + "  deleted" + now
	case terminates(v.Differences):
		return stamp(v.Time) + "  marked for deletion" + now
	}
	return stamp(v.Time) + "  " + asIs(v.Action) + by(v.Actor) + now
}

// terminates says that somebody asked for the end of the object.
func terminates(list []result.KubernetesDifference) bool {
	return slices.ContainsFunc(list, func(d result.KubernetesDifference) bool {
		return d.Path == "/metadata/deletionTimestamp" && d.Before == ""
	})
}

// span is from when to when, with one day if that is enough.
func span(from, to time.Time) string {
	begin, end := stamp(from), stamp(to)
	switch {
	case begin == end:
		return begin
	case begin[:len(time.DateOnly)] == end[:len(time.DateOnly)]:
		return begin + "-" + end[len(time.DateOnly)+1:]
	}
	return begin + " - " + end
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

func writeDifferences(cmd *cobra.Command, list []result.KubernetesDifference, omitted int) {
	out := cmd.OutOrStdout()
	for _, d := range list {
		switch {
		case d.Lines != "":
			fmt.Fprintf(out, "    %s:\n", asIs(d.Path))
			for l := range strings.Lines(d.Lines) {
				fmt.Fprintf(out, "        %s\n", asIs(strings.TrimRight(l, "\r\n")))
			}
		case d.Before == d.After && d.After != "":
			fmt.Fprintf(out, "    %s: what is masked changed\n", asIs(d.Path))
		default:
			fmt.Fprintf(out, "    %s: %s → %s\n", asIs(d.Path), asIs(cmp.Or(d.Before, "(none)")), asIs(cmp.Or(d.After, "(none)")))
		}
	}
	if omitted > 0 {
		fmt.Fprintf(out, "    and %d more\n", omitted)
	}
}

func writeDiff(cmd *cobra.Command, d result.KubernetesDiff, all bool) error {
	out := cmd.OutOrStdout()
	tellReach(cmd, d.Reach)
	if len(d.Objects) == 0 {
		fmt.Fprintf(out, "Nothing of kind %s differs.\n", asIs(d.Kind))
	}
	deleted := false
	for _, o := range d.Objects {
		name := asIs(strings.TrimPrefix(o.Namespace+"/"+o.Name, "/"))
		who := by(append([]string{o.Actor}, o.Actors...)...)
		switch {
		case o.Action == telemetry.ObjectDeleted:
			who, deleted = "", true
		case o.Reverted:
			who += ", and is as it was but for status"
		case o.StatusAlone:
			who += ", status alone"
		}
		fmt.Fprintf(out, "%s %s  %s at %s%s\n", asIs(o.Action), name, asIs(d.Kind), stamp(o.Since), who)
		shown := o.Differences
		if !all {
			shown = slices.DeleteFunc(slices.Clone(shown), func(d result.KubernetesDifference) bool {
				return !o.StatusAlone && kubernetes.IsBookkeeping(d.Path) || stampOnly(d.Path)
			})
		}
		writeDifferences(cmd, shown, 0)
		if hidden := len(o.Differences) - len(shown) + o.Omitted; hidden > 0 {
			fmt.Fprintf(out, "    and %d more%s\n", hidden, ofStatus(o, shown))
		}
	}
	if deleted {
		fmt.Fprintln(cmd.ErrOrStderr(), whoDeletes)
	}
	return more(cmd, d.Omitted, "objects")
}

// stampOnly says of a path that its value is when something was noted last.
func stampOnly(path string) bool {
	return strings.HasPrefix(path, "/status/conditions/") && strings.HasSuffix(path, "Time")
}

// ofStatus says that all that is not shown is of status, and how it is.
func ofStatus(o result.KubernetesMoved, shown []result.KubernetesDifference) string {
	if o.Omitted == 0 && len(shown) < len(o.Differences) {
		return " of status (--all)"
	}
	return ""
}
