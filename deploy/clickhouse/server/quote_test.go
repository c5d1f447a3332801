package server

import (
	"testing"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/midwatch/midwatch/deploy/clickhouse/engine"
)

func TestQuote(t *testing.T) {
	if got, want := literal(`it's \ here`), `'it\'s \\ here'`; got != want {
		t.Errorf("literal: %s, want %s", got, want)
	}
	if got, want := identifier("a`b\\"), "`a\\`b\\\\`"; got != want {
		t.Errorf("identifier: %s, want %s", got, want)
	}
	for escaped, want := range map[string]string{`a\tb\n`: "a\tb\n", `\\n`: `\n`, `\'`: "'", `end\`: `end\`, "plain": "plain"} {
		if got := unescape(escaped); got != want {
			t.Errorf("unescape %s: %q, want %q", escaped, got, want)
		}
	}
	got := parameters([]proto.Parameter{{Key: "s", Value: `'it\'s'`}, {Key: "n", Value: "5"}})
	if got[0] != (engine.Param{Name: "s", Value: "it's"}) || got[1] != (engine.Param{Name: "n", Value: "5"}) {
		t.Errorf("parameters: %v", got)
	}
}

func TestDifferenceOfSettings(t *testing.T) {
	got := difference(map[string]string{"a": "1", "b": "2", "c": "3"}, map[string]string{"b": "2", "c": "4", "readonly": "1", "z": "x'y"})
	want := []string{"a = DEFAULT", "c = '4'", `z = 'x\'y'`, "readonly = '1'"}
	if len(got) != len(want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %q, want %q", got[i], want[i])
		}
	}
}
