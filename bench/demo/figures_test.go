package main

import (
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/deploy/shop/judge"
)

// thirtyFive is 35 good runs, as far as spoil leaves them.
func thirtyFive(spoil func(i int, o *outcome)) results {
	r := results{watched: 10 * time.Minute}
	for i := range 35 {
		o := outcome{fault: judge.Fault{Kind: judge.Known}, alert: 12 * time.Second, report: 9 * time.Second, right: true}
		spoil(i, &o)
		r.outcomes = append(r.outcomes, o)
	}
	return r
}

func TestFigures(t *testing.T) {
	harmless := func(right bool) results {
		return results{outcomes: []outcome{{fault: judge.Fault{Kind: judge.Harmless}, right: right, alert: patience, report: patience}}}
	}
	for _, c := range []struct {
		name string
		r    results
		ok   bool
		line string
	}{
		{"all good", thirtyFive(func(int, *outcome) {}), true, "figure demo_named 35 of 35 bar >= 34 ok"},
		{"one missed", thirtyFive(func(i int, o *outcome) { o.right = i != 3 }), true, "figure demo_named 34 of 35 bar >= 34 ok"},
		{"two missed", thirtyFive(func(i int, o *outcome) { o.right = i > 1 }), false, "figure demo_named 33 of 35 bar >= 34 short"},
		{"one late alert", thirtyFive(func(i int, o *outcome) {
			if i == 7 {
				o.alert = 31 * time.Second
			}
		}), false, "figure demo_alert_max 31 s bar <= 30 short"},
		{"no report", thirtyFive(func(i int, o *outcome) {
			if i == 7 {
				o.report = patience
			}
		}), false, "figure demo_report_max 100 s bar <= 30 short"},
		{"no alert where nothing is broken", harmless(true), true, "figure demo_harmless_blamed 0 of 1 bar <= 0 ok"},
		{"blame where nothing is broken", harmless(false), false, "figure demo_harmless_blamed 1 of 1 bar <= 0 short"},
		{"false alarm", results{watched: 10 * time.Minute, incidents: 1}, false, "figure demo_healthy_incidents 1 in 10m0s bar <= 0 short"},
		{"a new fault has no bar", results{outcomes: []outcome{{fault: judge.Fault{Kind: judge.New}}}}, true, "faults without a rule: 0 of 1 named"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			if ok := printFigures(&out, c.r); ok != c.ok || !strings.Contains(out.String(), c.line+"\n") {
				t.Errorf("ok is %v, want %v and %q in:\n%s", ok, c.ok, c.line, out.String())
			}
		})
	}
}
