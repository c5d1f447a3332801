package main

import (
	"fmt"
	"io"
	"time"

	"github.com/midwatch/midwatch/deploy/shop/judge"
)

// The bars of the demo's promise.
const (
	within      = 30.0 // seconds from fault to alert, and from alert to report
	missedOfAll = 35   // one fault in so many may be missed
)

// figure is one measured value and what it must reach.
type figure struct {
	name  string
	value float64
	unit  string
	op    string // >= or <=
	limit float64
}

func (f figure) ok() bool {
	if f.op == ">=" {
		return f.value >= f.limit
	}
	return f.value <= f.limit
}

func (f figure) String() string {
	verdict := "short"
	if f.ok() {
		verdict = "ok"
	}
	return fmt.Sprintf("figure %s %.4g %s bar %s %.4g %s", f.name, f.value, f.unit, f.op, f.limit, verdict)
}

// figures makes the figures of what was measured; what was not run has none.
func figures(r results) []figure {
	total, right := map[judge.Kind]int{}, map[judge.Kind]int{}
	var alert, report time.Duration
	for _, o := range r.outcomes {
		total[o.fault.Kind]++
		if o.right {
			right[o.fault.Kind]++
		}
		if o.fault.Kind == judge.Known {
			alert, report = max(alert, o.alert), max(report, o.report)
		}
	}
	var out []figure
	if n := total[judge.Known]; n > 0 {
		out = append(out,
			figure{"demo_named", float64(right[judge.Known]), fmt.Sprintf("of %d", n), ">=", float64(n - n/missedOfAll)},
			figure{"demo_alert_max", alert.Seconds(), "s", "<=", within},
			figure{"demo_report_max", report.Seconds(), "s", "<=", within})
	}
	if n := total[judge.Harmless]; n > 0 {
		out = append(out, figure{"demo_harmless_blamed", float64(n - right[judge.Harmless]), fmt.Sprintf("of %d", n), "<=", 0})
	}
	if r.watched > 0 {
		out = append(out, figure{"demo_healthy_incidents", float64(r.incidents), "in " + r.watched.String(), "<=", 0})
	}
	return out
}

// printFigures prints one line per figure, and what has no bar, and says whether all reach their bars.
func printFigures(w io.Writer, r results) bool {
	named, total := 0, 0
	for _, o := range r.outcomes {
		if o.fault.Kind == judge.New {
			total++
			if o.right {
				named++
			}
		}
	}
	if total > 0 {
		fmt.Fprintf(w, "faults without a rule: %d of %d named\n", named, total)
	}
	ok := true
	for _, f := range figures(r) {
		fmt.Fprintln(w, f)
		ok = ok && f.ok()
	}
	return ok
}
