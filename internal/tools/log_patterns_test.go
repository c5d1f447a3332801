package tools_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/internal/tools/result"
	"github.com/midwatch/midwatch/internal/tools/toolstest"
)

func TestLogPatternsTellWhatChanged(t *testing.T) {
	var lines []toolstest.Log
	add := func(at time.Time, severity, body string) {
		lines = append(lines, toolstest.Log{Time: at, Env: toolstest.Environment, Service: "cart", Severity: 9, Text: severity, Body: body})
	}
	users := []string{"alice", "bob", "carol", "dora"}
	for s := range 85 { // 55 s of healthy time, then 30 s of the fault
		at := start.Add(time.Duration(s) * time.Second)
		fault := !at.Before(onset)
		add(at, "info", fmt.Sprintf("cart of %s has %d items", users[s%4], s))
		if !fault {
			add(at, "info", fmt.Sprintf("stored snapshot %d to disk", s))
		}
		if fault || s%20 == 0 {
			add(at, "warn", fmt.Sprintf("retry %d of connection to 10.0.0.%d", s, s%4))
		}
		if fault {
			add(at, "error", fmt.Sprintf("cannot write snapshot: no space left on /dev/sd%c", 'a'+s%3))
		}
	}
	db := storetest.Open(t)
	toolstest.WriteLogs(t, db, lines)
	got := run[result.LogPatterns](t, tools.All(db), toolstest.Environment, "log_patterns", windows(map[string]any{"service": "cart"}))
	want := map[string]string{
		"cart of <*> has <n> items":                   "same",
		"stored snapshot <n> to disk":                 "vanished",
		"retry <n> of connection to <address>":        "more",
		"cannot write snapshot: no space left on <*>": "new",
	}
	if len(got.Patterns) != 4 || got.Omitted != 0 || got.Unmined != 0 {
		t.Fatalf("got %+v", got)
	}
	for i, p := range got.Patterns {
		if want[p.Pattern] != p.Change {
			t.Errorf("%q is said to be %s", p.Pattern, p.Change)
		}
		if i == 0 && (p.Change != "new" || p.Count != 25 || p.Severity != "error" || !strings.HasPrefix(p.Sample, "cannot write")) {
			t.Errorf("first is %+v", p)
		}
	}
	if got.Lines.Fault != 75 {
		t.Errorf("%v lines in the fault window", got.Lines.Fault)
	}
	other := run[result.LogPatterns](t, tools.All(db), "another", "log_patterns", windows(nil))
	if len(other.Patterns) != 0 {
		t.Errorf("another environment sees %d patterns", len(other.Patterns))
	}
}
