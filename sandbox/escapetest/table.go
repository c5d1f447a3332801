package escapetest

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// table is expected.tsv: a line of column names, then one line per attempt.
type table struct {
	columns []string
	rows    map[string][]string // by attempt, in the order of columns
}

func readTable(tb testing.TB) table {
	tb.Helper()
	content, err := os.ReadFile(tablePath())
	if err != nil {
		tb.Fatal(err)
	}
	t := table{rows: map[string][]string{}}
	for line := range strings.Lines(string(content)) {
		cells := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if t.columns == nil {
			t.columns = cells[1:]
			continue
		}
		if len(cells) != len(t.columns)+1 {
			tb.Fatalf("expected.tsv: %q has %d cells, want %d", cells[0], len(cells), len(t.columns)+1)
		}
		t.rows[cells[0]] = cells[1:]
	}
	return t
}

func (t table) names() []string {
	names := make([]string, 0, len(t.rows))
	for name := range t.rows {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (t table) cell(attempt, column string) string {
	row, i := t.rows[attempt], slices.Index(t.columns, column)
	if row == nil || i < 0 {
		return "(not in the table)"
	}
	return row[i]
}

// set replaces what was got in a column, and drops attempts that are no more.
func (t table) set(column string, got map[string]string, names []string) table {
	i := slices.Index(t.columns, column)
	for name, outcome := range got {
		if t.rows[name] == nil {
			t.rows[name] = slices.Repeat([]string{"?"}, len(t.columns))
		}
		t.rows[name][i] = outcome
	}
	for name := range t.rows {
		if !slices.Contains(names, name) {
			delete(t.rows, name)
		}
	}
	return t
}

// write puts the table back beside this file.
func (t table) write(tb testing.TB) {
	tb.Helper()
	var b strings.Builder
	b.WriteString("attempt\t" + strings.Join(t.columns, "\t") + "\n")
	for _, name := range t.names() {
		b.WriteString(name + "\t" + strings.Join(t.rows[name], "\t") + "\n")
	}
	if err := os.WriteFile(tablePath(), []byte(b.String()), 0o600); err != nil {
		tb.Fatal(err)
	}
}

// tablePath is beside this file: tests of several packages use it.
func tablePath() string {
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "expected.tsv")
}
