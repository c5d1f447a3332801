package rules_test

import (
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/midwatch/midwatch/internal/rules"
)

func TestAlertRulesAreRefusedForWhatIsWrong(t *testing.T) {
	good := `{name: high-memory, expr: 'process_memory_usage > 1e9', for: 1m30s, severity: critical, summary: '{{ $labels.service }} has {{ $value }}', labels: {team: shop}}`
	for text, want := range map[string]string{
		good:                            "",
		`{name: x, expr: '2 > bool 1'}`: "",
		`{name: x, expr: 'avg_over_time(rate(a[5m])[1h:1m] offset 2h) > 3'}`: "",
		`{expr: 'a > 1'}`:                                              "name",
		`{name: 'a b', expr: 'a > 1'}`:                                 "name",
		`{name: a.b, expr: 'a > 1'}`:                                   "name",
		`{name: x}`:                                                    "expr: empty",
		`{name: x, expr: 'sum(rate(a[5m]) > 1'}`:                       "1:20: parse error: unclosed left parenthesis",
		`{name: x, expr: 'a[5m]'}`:                                     "range vector",
		`{name: x, expr: '"a"'}`:                                       "string",
		`{name: x, expr: 'rate(a[2d]) > 1'}`:                           "looks 48h0m0s back",
		`{name: x, expr: 'max_over_time(rate(a[12h])[13h:1h]) > 1'}`:   "looks 25h0m0s back",
		`{name: x, expr: 'a > 1', for: 2h}`:                            "for: 2h0m0s",
		`{name: x, expr: 'a > 1', for: -1s}`:                           "for: -1s",
		`{name: x, expr: 'a > 1', severity: page}`:                     "severity",
		`{name: x, expr: 'a > 1', summary: '{{ range . }}x{{ end }}'}`: "only $value",
		`{name: x, expr: 'a > 1', labels: {__name__: y}}`:              "labels",
		`{name: x, expr: 'a > 1', labels: {a-b: y}}`:                   "labels",
		`{name: x, expr: 'a > 1', service: 'a b'}`:                     "service",
		`{name: x, expr: '` + strings.Repeat("1+", 1001) + `1'}`:       "bytes",
	} {
		var a rules.Alert
		if err := yaml.Unmarshal([]byte(text), &a); err != nil {
			t.Fatal(text, err)
		}
		err := rules.ValidateAlerts([]rules.Alert{a})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	var a rules.Alert
	if err := yaml.Unmarshal([]byte(good), &a); err != nil || time.Duration(a.For) != 90*time.Second {
		t.Errorf("for: %v, %v", a.For, err)
	}
	if err := rules.ValidateAlerts([]rules.Alert{a, a}); err == nil || !strings.Contains(err.Error(), "another") {
		t.Errorf("two of one name: %v", err)
	}
}

func TestSummariesAreHarmless(t *testing.T) {
	labels := map[string]string{"service": "cart\x1b[31m\n\u202e{{ $value }}", "long": strings.Repeat("ü", 200)}
	for template, want := range map[string]string{
		"{{ $labels.service }} at {{$value}}": "cart [31m  {{ $value }} at 0.25",
		"{{ $labels.none }}!":                 "!",
		"{{ $labels.long }}":                  strings.Repeat("ü", 60) + "…",
	} {
		if got := rules.Fill(template, labels, 0.25); got != want {
			t.Errorf("%q: %q, want %q", template, got, want)
		}
	}
}
