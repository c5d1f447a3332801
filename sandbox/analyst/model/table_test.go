package model

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	for _, c := range []struct{ name, raw, want string }{
		{
			"rows", `{"window":{"from":"a","to":"b"},"rows":[{"s":"x","v":{"p":1.23456,"q":12345.678}},{"s":"y\tz","v":{"p":2},"codes":[{"code":"500","n":1.00001}]}]}`,
			"ev[\"e1\"] window.from=a window.to=b\nev[\"e1\"][\"rows\"], 2 rows\ns\tv.p\tv.q\tcodes\nx\t1.235\t12346\ny\\tz\t2\t\t[{\"code\":\"500\",\"n\":1}]\n",
		},
		{"the same in all", `{"rows":[{"a":1,"b":"x"},{"a":2,"b":"x"},{"a":3,"b":"x"}]}`, "ev[\"e1\"][\"rows\"], 3 rows; in every row shown b=x\na\n1\n2\n3\n"},
		{"a list", `[1,2.55555,"x\ny"]`, "ev[\"e1\"], 3 rows\nvalue\n1\n2.556\nx\\ny\n"},
		{"empty", `{"rows":[]}`, "ev[\"e1\"][\"rows\"] is empty\n"},
		{"null", `null`, "ev[\"e1\"] = null\n"},
		{"a text", `"x"`, "ev[\"e1\"] = \"x\"\n"},
		{"nothing", ``, "ev[\"e1\"] cannot be shown\n"},
		{"spaces", " { \"a\" : [ 1 , {\"b\" : \"\\\"]}\" } ] , \"c\\u0064\": true }\n", "ev[\"e1\"] cd=true\nev[\"e1\"][\"a\"], 2 rows\nvalue\tb\n1\n\t\"]}\n"},
		{"large whole numbers", `{"bytes":20490000,"share":0.00001234}`, "ev[\"e1\"] bytes=20490000 share=1.234e-05\n"},
	} {
		if got := table("e1", json.RawMessage(c.raw), 4000); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

func TestATableSaysWhatItLeavesOut(t *testing.T) {
	var few, many []string
	for i := range 5 {
		few = append(few, fmt.Sprintf(`{"n":%d}`, i))
	}
	for i := range 5000 {
		many = append(many, fmt.Sprintf(`{"body":"line %d"}`, i))
	}
	raw := json.RawMessage(`{"many":[` + strings.Join(many, ",") + `],"few":[` + strings.Join(few, ",") + `]}`)
	got := table("e1", raw, 2000)
	shown := strings.Count(got, "\nline ")
	if !strings.Contains(got, fmt.Sprintf("… %d more rows left out here", 5000-shown)) || shown < 50 || !strings.HasSuffix(got, "\n0\n1\n2\n3\n4\n") || len(got) > 2100 {
		t.Errorf("%d bytes, %d lines shown:\n%s", len(got), shown, got)
	}
}

// Results that are deep, wide or long cost no more than a look at them.
func TestOddResultsStayWithinTheirSpace(t *testing.T) {
	wide := map[string]any{}
	for i := range 50_000 {
		wide[fmt.Sprintf("field%d", i)] = []any{i}
	}
	deep := any("x")
	for range 5000 {
		deep = map[string]any{"d": deep}
	}
	for name, v := range map[string]any{
		"wide": wide, "wide rows": []any{wide, wide}, "deep": deep, "deep rows": []any{deep}, "long": strings.Repeat("é", 1<<20), "long rows": []any{strings.Repeat("x", 1<<20)},
		"wide field": map[string]any{"w": wide, "rows": []any{1}},
	} {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if got := table("e1", raw, 4000); len(got) > 9000 {
			t.Errorf("%s: %d bytes", name, len(got))
		}
	}
}

// FuzzScan holds the scanner to what encoding/json reads.
func FuzzScan(f *testing.F) {
	f.Add(`{"a":[1,{"b":"\"]}"}],"c":null, "d":"\\"}`)
	f.Add(` [ true , "x" , [] , {} , -1.5e3 ] `)
	f.Fuzz(func(t *testing.T, raw string) {
		if !json.Valid([]byte(raw)) {
			return
		}
		var list []json.RawMessage
		if got, ok := elements(json.RawMessage(raw)); ok {
			if err := json.Unmarshal([]byte(raw), &list); err != nil || fmt.Sprintf("%s", list) != fmt.Sprintf("%s", got) {
				t.Errorf("%q: elements %s, want %s (%v)", raw, got, list, err)
			}
		}
		var object map[string]json.RawMessage
		if got := members(json.RawMessage(raw)); got != nil {
			if err := json.Unmarshal([]byte(raw), &object); err != nil {
				t.Fatal(err)
			}
			last := map[string]json.RawMessage{}
			for _, m := range got {
				last[m.key] = m.value
			}
			if fmt.Sprintf("%s", object) != fmt.Sprintf("%s", last) {
				t.Errorf("%q: members %s, want %s", raw, last, object)
			}
		}
	})
}
