package rulewatch_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/midwatch/midwatch/collector/exporter/filter"
	"github.com/midwatch/midwatch/collector/kube/rulewatch"
)

func TestBadRulesAreRefusedWhenTheyAreApplied(t *testing.T) {
	c := start(t)
	c.install()
	for _, good := range [][2]string{
		{"AlertRule", `{expr: "a > 1", for: 1m30s, severity: critical, summary: "{{ $labels.service }}: {{$value}} of {x}", service: job, labels: {team: shop}}`},
		{"AlertRule", `{expr: "a > 1", for: "0", summary: "100%"}`},
		{"DropRule", `{signal: traces, attribute: url.path, value: "/healthz*"}`},
		{"RedactionRule", `{pattern: '\b[0-9]{16}\b', replacement: "", signals: [logs], bodies: true, attributes: ["http.*"]}`},
	} {
		if err := c.apply(good[0], "good", good[1]); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []struct{ kind, spec, want string }{
		{"AlertRule", `{}`, "spec.expr: Required value"},
		{"AlertRule", `{expr: " "}`, `spec.expr: Invalid value: " ": must not be blank`},
		{"AlertRule", `{expr: a, for: soon}`, `spec.for: Invalid value: "soon": must be a duration such as 30s or 1m30s`},
		{"AlertRule", `{expr: a, for: 90m}`, `spec.for: Invalid value: "90m": must be at most 1h`},
		{"AlertRule", `{expr: a, severity: page}`, `spec.severity: Unsupported value: "page": supported values: "critical", "warning", "info"`},
		{"AlertRule", `{expr: a, summary: "{{ range . }}x"}`, "between {{ and }} only $value and $labels.NAME can stand"},
		{"AlertRule", `{expr: a, service: "a b"}`, "must be the name of a label"},
		{"AlertRule", `{expr: a, labels: {a-b: c}}`, "names of labels must be"},
		{"AlertRule", `{expr: a, interval: 5s}`, ".spec.interval: field not declared in schema"},
		{"DropRule", `{signal: spans, attribute: a, value: b}`, "spec.signal: Unsupported value"},
		{"DropRule", `{signal: logs, attribute: "", value: b}`, "spec.attribute: Invalid value"},
		{"RedactionRule", `{pattern: "[0-9"}`, "must be a regular expression (RE2)"},
		{"RedactionRule", `{pattern: "(?=a)"}`, "must be a regular expression (RE2)"},
		{"RedactionRule", `{pattern: "a*"}`, "that does not match empty text"},
		{"RedactionRule", `{pattern: a, signals: [logs, logs]}`, "duplicate entries"},
	} {
		err := c.apply(bad.kind, "bad", bad.spec)
		if err == nil || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("%s %s: %v; want %q", bad.kind, bad.spec, err, bad.want)
		}
	}
}

func TestRulesTakeEffectAndSaySo(t *testing.T) {
	c := start(t)
	c.install()
	live, _ := c.watch(nil)
	c.await(live, "secret 4111", "secret 4111") // held until it is known that there are none

	c.must(c.apply("DropRule", "noise", `{signal: logs, attribute: line, value: "noise*"}`))
	c.await(live, "noise of a fan", "dropped")
	c.must(c.apply("RedactionRule", "cards", `{pattern: "[0-9]{4}"}`))
	c.await(live, "secret 4111", "secret ****")
	c.must(c.apply("RedactionRule", "cards", `{pattern: "[0-9]{4}", replacement: X}`))
	c.await(live, "secret 4111", "secret X")
	c.must(c.apply("AlertRule", "deep", `{expr: "queue > 5"}`))
	c.must(c.apply("AlertRule", "typo", `{expr: "sum(queue > 5"}`))
	for _, want := range [][3]string{
		{"DropRule", "noise", "Accepted=True Valid 1/1 the rule is in force"},
		{"RedactionRule", "cards", "Accepted=True Valid 2/2 the rule is in force"},
		{"AlertRule", "deep", "Accepted=True Valid 1/1 the rule is in force"},
		{"AlertRule", "typo", "Accepted=False Invalid 1/1 expr: expression: at 1:14: parse error: unclosed left parenthesis; the version before stays in force, if there was a good one"},
	} {
		eventually(t, func() (string, bool) {
			got := c.condition(want[0], want[1])
			return got, got == want[2]
		})
	}

	// What the schema cannot see: the version before stays in force, and a new one without any holds everything back.
	const long = `{pattern: "([a-z][0-9]){1000}([a-z][0-9]){1000}([a-z][0-9]){1000}"}`
	c.must(c.apply("RedactionRule", "cards", long))
	eventually(t, func() (string, bool) {
		got := c.condition("RedactionRule", "cards")
		return got, strings.HasPrefix(got, "Accepted=False Invalid 3/3 pattern: its repetitions make it") && strings.HasSuffix(got, "the version before stays in force, if there was a good one")
	})
	if got := leaves(live, "secret 4111"); got != "secret X" {
		t.Error(got)
	}
	c.must(c.apply("RedactionRule", "new", long))
	c.await(live, "secret 4111", "held")
	eventually(t, func() (string, bool) {
		got := c.condition("RedactionRule", "new")
		return got, strings.HasSuffix(got, "no telemetry leaves the cluster until it is corrected or deleted")
	})
	c.must(c.rules("RedactionRule").Delete(t.Context(), "new", metav1.DeleteOptions{}))
	c.await(live, "secret 4111", "secret X")

	// An API server that is away changes nothing; what happened meanwhile is found out.
	c.StopAPI()
	if got := leaves(live, "secret 4111"); got != "secret X" {
		t.Error(got)
	}
	c.StartAPI()
	c.must(c.rules("RedactionRule").Delete(t.Context(), "cards", metav1.DeleteOptions{}))
	c.await(live, "secret 4111", "secret 4111")
}

func TestWhoMayNotReadRulesLetsNothingLeave(t *testing.T) {
	c := start(t)
	c.install()
	live, err := filter.NewLive(nil, nil)
	c.must(err)
	refused := make(refusals, 100)
	w, err := rulewatch.New(rulewatch.Config{Cluster: c.User("nobody"), Filters: live, Log: slog.New(slog.NewTextHandler(refused, nil))})
	c.must(err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	for range 3 { // each kind says so
		if line := <-refused; !strings.Contains(line, "droprules") && !strings.Contains(line, "redactionrules") && !strings.Contains(line, "alertrules") {
			t.Error(line)
		}
	}
	if got := leaves(live, "secret"); got != "held" {
		t.Error(got)
	}
	cancel()
	c.must(<-done)
}

// refusals are lines of a log that speak of one.
type refusals chan string

func (r refusals) Write(line []byte) (int, error) {
	if strings.Contains(string(line), "Forbidden") {
		r <- string(line)
	}
	return len(line), nil
}

func TestOnlyTheLeaderTellsAndOnlyOnce(t *testing.T) {
	c := start(t)
	c.must(c.notInstalled())
	c.install()
	c.must(c.apply("DropRule", "noise", `{signal: logs, attribute: line, value: "noise*"}`))
	follower, stop := c.watch(func() bool { return false })
	c.await(follower, "noise", "dropped") // rules are for every exporter
	stop()
	if got := c.condition("DropRule", "noise"); got != "[]" {
		t.Errorf("a follower wrote %s", got)
	}

	var versions []string
	for range 2 { // a second leader finds nothing to do
		_, stop := c.watch(nil)
		eventually(t, func() (string, bool) {
			got := c.condition("DropRule", "noise")
			return got, strings.HasPrefix(got, "Accepted=True")
		})
		c.must(c.apply("DropRule", "mark", `{signal: logs, attribute: line, value: "`+strings.Repeat("x", len(versions)+1)+`"}`))
		eventually(t, func() (string, bool) { // it told of what came after, so it looked at what was there before
			got := c.condition("DropRule", "mark")
			return got, strings.Contains(got, map[int]string{0: "1/1", 1: "2/2"}[len(versions)])
		})
		stop()
		o, err := c.rules("DropRule").Get(t.Context(), "noise", metav1.GetOptions{})
		c.must(err)
		versions = append(versions, o.GetResourceVersion())
	}
	if versions[0] != versions[1] {
		t.Errorf("the status was written again: %v", versions)
	}
}

// notInstalled watches a cluster without the CRDs: there can be no rules, so nothing waits.
func (c *cluster) notInstalled() error {
	live, stop := c.watch(nil)
	defer stop()
	c.await(live, "noise", "noise")
	return nil
}
