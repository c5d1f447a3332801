package filter

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/midwatch/midwatch/internal/rules"
	"github.com/midwatch/midwatch/internal/telemetry"
)

var card = rules.Redaction{Name: "cards", Pattern: `\b[0-9]{12,16}\b`}

func filters(t *testing.T, redact ...rules.Redaction) *Filters {
	t.Helper()
	f, err := New(nil, redact)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func logOf(event, body string, attributes map[string]any) (plog.Logs, plog.LogRecord) {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.instance.id", "h/4111111111111111/1")
	rl.Resource().Attributes().PutStr("owner", "4111111111111111")
	l := rl.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	l.SetEventName(event)
	l.Body().SetStr(body)
	_ = l.Attributes().FromRaw(attributes)
	return ld, l
}

func TestTextsAreRedactedWhereARuleSays(t *testing.T) {
	custom := func(change func(*rules.Redaction)) rules.Redaction { r := card; change(&r); return r }
	group, empty := "card ${1}****", ""
	body, all := "paid 4111111111111111 by ada", map[string]any{"card": int64(4111111111111111), "note": "x 4111111111111111", "k8s.pod.uid": "4111111111111111", "n": int64(7)}
	for name, c := range map[string]struct {
		rule       rules.Redaction
		body       string
		attributes map[string]any
		redacted   uint64
	}{
		"all texts but who sent them": {
			card, "paid **** by ada",
			map[string]any{"card": "****", "note": "x ****", "k8s.pod.uid": "4111111111111111", "n": int64(7)},
			4,
		},
		"bodies":         {custom(func(r *rules.Redaction) { r.Bodies = true }), "paid **** by ada", all, 1},
		"attributes":     {custom(func(r *rules.Redaction) { r.Attributes = []string{"no*"} }), body, map[string]any{"card": int64(4111111111111111), "note": "x ****", "k8s.pod.uid": "4111111111111111", "n": int64(7)}, 1},
		"a named one":    {custom(func(r *rules.Redaction) { r.Attributes = []string{"k8s.pod.uid"} }), body, map[string]any{"card": int64(4111111111111111), "note": "x 4111111111111111", "k8s.pod.uid": "****", "n": int64(7)}, 1},
		"another signal": {custom(func(r *rules.Redaction) { r.Signals = []telemetry.Signal{telemetry.Traces} }), body, all, 0},
		"groups":         {custom(func(r *rules.Redaction) { r.Bodies, r.Pattern, r.Replacement = true, `\b([0-9]{4})[0-9]{12}\b`, &group }), "paid card 4111**** by ada", all, 1},
		"removed":        {custom(func(r *rules.Redaction) { r.Bodies, r.Replacement = true, &empty }), "paid  by ada", all, 1},
	} {
		ld, l := logOf("", body, all)
		counts := filters(t, c.rule).Logs(ld)
		if l.Body().Str() != c.body || counts.Redacted != c.redacted {
			t.Errorf("%s: %q, %+v; want %q and %d", name, l.Body().Str(), counts, c.body, c.redacted)
		}
		if diff := cmp.Diff(c.attributes, l.Attributes().AsRaw()); diff != "" {
			t.Error(name, diff)
		}
	}
}

func TestSpansAndPointsAreRedacted(t *testing.T) {
	const secret, clean = "GET /pay/4111111111111111", "GET /pay/****"
	f := filters(t, card)
	td := ptrace.NewTraces()
	s := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	s.SetName(secret)
	s.Status().SetMessage(secret)
	s.Attributes().PutStr("url.path", secret)
	s.Attributes().PutEmptySlice("list").AppendEmpty().SetStr(secret)
	s.Attributes().PutEmptyMap("map").PutStr("a", secret)
	s.Attributes().PutEmptyBytes("bytes").FromRaw([]byte(secret))
	e := s.Events().AppendEmpty()
	e.SetName(secret)
	e.Attributes().PutStr("a", secret)
	s.Links().AppendEmpty().Attributes().PutStr("a", secret)
	if c := f.Traces(td); c.Redacted != 9 {
		t.Errorf("%+v", c)
	}
	raw, err := (&ptrace.JSONMarshaler{}).MarshalTraces(td)
	if err != nil || strings.Contains(string(raw), "4111") || strings.Count(string(raw), clean) != 8 || string(s.Attributes().AsRaw()["bytes"].([]byte)) != clean {
		t.Errorf("%s, %v", raw, err)
	}

	md := pmetric.NewMetrics()
	ms := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics()
	gauge := ms.AppendEmpty().SetEmptyGauge().DataPoints().AppendEmpty()
	gauge.Attributes().PutStr("a", secret)
	gauge.Exemplars().AppendEmpty().FilteredAttributes().PutStr("a", secret)
	ms.AppendEmpty().SetEmptySum().DataPoints().AppendEmpty().Attributes().PutStr("a", secret)
	ms.AppendEmpty().SetEmptyHistogram().DataPoints().AppendEmpty().Attributes().PutStr("a", secret)
	ms.AppendEmpty().SetEmptyExponentialHistogram().DataPoints().AppendEmpty().Attributes().PutStr("a", secret)
	ms.AppendEmpty().SetEmptySummary().DataPoints().AppendEmpty().Attributes().PutStr("a", secret)
	if c := f.Metrics(md); c.Redacted != 6 {
		t.Errorf("%+v", c)
	}
}

func TestObjectsStayObjects(t *testing.T) {
	const object = `{"apiVersion":"v1","data":{"key":"a \"4111111111111111\" <b>","n":"\u0034111111111111111"},"kind":"ConfigMap","metadata":{"name":"4111111111111111","resourceVersion":"411111111111","annotations":{"a":"4111111111111111"}},"spec":{"replicas":411111111111}}`
	const diff = `[{"path":"/data/4111111111111111","before":"4111111111111111","after":{"a":"4111111111111111"}}]`
	f := filters(t, rules.Redaction{Pattern: `"?[0-9]{12,16}"?`, Bodies: true})
	ld, l := logOf(telemetry.EventObject, object, map[string]any{telemetry.ObjectDiff: diff, telemetry.ChangeDetail: "- 4111111111111111"})
	f.Logs(ld)
	var got, want any
	if err := json.Unmarshal([]byte(l.Body().Str()), &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(`{"apiVersion":"v1","data":{"key":"a **** <b>","n":"****"},"kind":"ConfigMap","metadata":{"name":"4111111111111111","resourceVersion":"411111111111","annotations":{"a":"****"}},"spec":{"replicas":411111111111}}`), &want); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for key, want := range map[string]string{
		telemetry.ObjectDiff:   `[{"after":{"a":"****"},"before":"****","path":"/data/4111111111111111"}]`,
		telemetry.ChangeDetail: "- ****",
	} {
		if v, _ := l.Attributes().Get(key); v.Str() != want {
			t.Errorf("%s: %s", key, v.Str())
		}
	}
	ld, l = logOf(telemetry.EventObject, "no JSON 4111111111111111", nil)
	f.Logs(ld)
	if l.Body().Str() != "no JSON ****" {
		t.Error(l.Body().Str())
	}
}

func TestWhatIsTooMuchIsWithheld(t *testing.T) {
	f := filters(t, card)
	ld, l := logOf("", strings.Repeat("4111111111111111 ", maxText/17+1), map[string]any{"a": "short 4111111111111111"})
	if c := f.Logs(ld); c.Withheld != 1 || l.Body().Str() != withheldText || l.Attributes().AsRaw()["a"] != "short ****" {
		t.Errorf("%+v, %.40q", c, l.Body().Str())
	}

	now := time.Unix(0, 0)
	p := newPass(f.redact[telemetry.Logs], func() time.Time { now = now.Add(3 * time.Second); return now })
	ld = plog.NewLogs()
	list := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for range 5 {
		list.AppendEmpty().Body().SetStr("4111111111111111 and more")
	}
	p.logs(ld)
	if p.redacted != 3 || p.withheld != 2 || list.At(4).Body().Str() != withheldText {
		t.Errorf("redacted %d, withheld %d", p.redacted, p.withheld)
	}
}

func TestWrongRulesAreRefusedAsAWhole(t *testing.T) {
	good := rules.Redaction{Name: "good", Pattern: "x+"}
	for want, bad := range map[string]rules.Redaction{
		"missing closing ]":      {Pattern: "[a-"},
		"matches empty text":     {Pattern: "a*"},
		"pattern: empty":         {},
		"steps long":             {Pattern: strings.Repeat(`([a-z][0-9]){1000}`, 3)},
		"at most 500":            {Pattern: strings.Repeat("a", 501)},
		"signals: \"spans\"":     {Pattern: "a", Signals: []telemetry.Signal{"spans"}},
		"attributes: one is":     {Pattern: "a", Attributes: []string{""}},
		"invalid or unsupported": {Pattern: `(?=a)b`},
	} {
		l, err := NewLive(nil, []rules.Redaction{good})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Set(nil, []rules.Redaction{good, bad}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error about %s, got %v", want, err)
		}
		if f, err := l.Now(); err != nil || len(f.redact[telemetry.Logs]) != 1 {
			t.Errorf("after a refused change: %+v, %v", f, err)
		}
	}
	l, _ := NewLive(nil, nil)
	l.Hold(errors.New("why"))
	if _, err := l.Now(); err == nil || !strings.Contains(err.Error(), "why") {
		t.Error(err)
	}
}
