package main

import (
	"strings"
	"testing"
)

func TestSame(t *testing.T) {
	rows := func(rows ...[]any) answer { return answer{rows: rows} }
	for _, c := range []struct {
		name         string
		ours, theirs answer
		about        bool
		want         string
	}{
		{"the same", rows([]any{int64(1), "a"}), rows([]any{int64(1), "a"}), false, ""},
		{"numbers of two types", rows([]any{uint32(7)}), rows([]any{int64(7)}), false, ""},
		{"nothing", rows(), rows(), false, "0 rows"},
		{"one is missing", rows([]any{"a"}), rows([]any{"a"}, []any{"b"}), false, "1 rows, theirs 2"},
		{"another value", rows([]any{"a"}, []any{"b"}), rows([]any{"a"}, []any{"c"}), false, "row 1"},
		{"another fraction", rows([]any{1.0}), rows([]any{1.01}), false, "row 0"},
		{"an estimate", rows([]any{1.0}, []any{2.0}), rows([]any{1.09}, []any{2.0}), true, ""},
		{"a bad estimate", rows([]any{1.0}, []any{2.0}), rows([]any{1.09}, []any{2.2}), true, "apart"},
	} {
		err := c.ours.same(c.theirs, c.about)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

func TestTimes(t *testing.T) {
	var all times
	for n := range 20 {
		all = append(all, float64(n+1))
	}
	if m, p := all.at(0.5), all.at(0.95); m != 10 || p != 19 {
		t.Errorf("median %v, p95 %v; want 10 and 19", m, p)
	}
}
