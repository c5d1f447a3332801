package privacy

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func seed(f *testing.F) {
	for _, file := range []string{"positive", "negative"} {
		for _, line := range corpusLines(f, file) {
			text, _ := unmark(line)
			f.Add(text)
		}
	}
	for _, nasty := range []string{
		"ip-1234567 ip-1234567", "user=\\", "password=\"", "://", "a:b@", "-----BEGIN -----", "-----BEGIN X PRIVATE KEY-----", "%%40%4",
		"\x00\xff\xfe", "[[[[[", `{"a":"b`, "::::::::", "@@@@", "%25%25%34%30", "home/", "/home/", "\\\\\\\\Users\\\\", strings.Repeat("a.", 300),
	} {
		f.Add(nasty)
	}
}

func fresh(t *testing.T) (*Redactor, *Map) {
	t.Helper()
	m := NewMap()
	r, err := New(Config{Key: []byte("0123456789abcdef"), Map: m, Hosts: []string{"db1", "node-17"}})
	if err != nil {
		t.Fatal(err)
	}
	return r, m
}

// FuzzText: the same text twice gives the same bytes; without secrets in it, it resolves to itself; an original fits
// wherever its pseudonym stands; what was taken is bounded.
func FuzzText(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text string) {
		r, m := fresh(t)
		out, counts := r.Text(text)
		other, _ := fresh(t)
		if again, _ := other.Text(text); again != out {
			t.Fatalf("%q gave %q, then %q", text, out, again)
		}
		if len(out) > 16*len(text)+64 {
			t.Fatalf("%d bytes became %d", len(text), len(out))
		}
		if utf8.ValidString(text) && !utf8.ValidString(out) {
			t.Fatalf("%q is no UTF-8 any more", out)
		}
		for name, original := range m.originals {
			if strings.ContainsAny(original, "\"'`\\ \t\r\n\x00") {
				t.Fatalf("%s stands for %q", name, original)
			}
		}
		for kind := range counts {
			if strings.HasPrefix(kind, "secret:") {
				return
			}
		}
		if back := m.Resolve(out); back != text && !structured(strings.TrimSpace(text)) {
			t.Fatalf("%q became %q and resolved to %q", text, out, back)
		}
	})
}

// FuzzPlanted: a token whose form is known never gets through, whatever stands around it.
func FuzzPlanted(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text string) {
		const token = "AK" + "IAIOSFODNN7EXAMPLE"
		if strings.Contains(text, token[4:]) {
			t.Skip() // glued to something else it is not that token
		}
		r, _ := fresh(t)
		for _, at := range []int{0, len(text) / 2, len(text)} {
			planted := text[:at] + " " + token + " " + text[at:]
			if out, _ := r.Text(planted); strings.Contains(out, token) {
				t.Fatalf("%q left in %q", token, out)
			}
		}
	})
}

// FuzzJSON: valid JSON stays valid, and keeps its shape.
func FuzzJSON(f *testing.F) {
	seed(f)
	f.Add(`{"a":{"password":"x","b":[1,2,{"user":"alice"}]},"name":"DB_PASSWORD","value":"y"}`)
	f.Add(`["--password","x","{\"token\":\"abcdef123456\"}"]`)
	f.Fuzz(func(t *testing.T, text string) {
		r, m := fresh(t)
		doc := json.RawMessage(text)
		if !json.Valid(doc) {
			doc, _ = json.Marshal(map[string]any{"body": text, text: []string{text}})
		}
		out, _ := r.JSON(doc)
		var before, after any
		if err := json.Unmarshal(doc, &before); err != nil {
			t.Skip() // a number that no float64 holds
		}
		if err := json.Unmarshal(out, &after); err != nil {
			t.Fatalf("%s became %s: %v", doc, out, err)
		}
		if !sameShape(before, after) {
			t.Fatalf("%s became %s", doc, out)
		}
		if !json.Valid(m.ResolveJSON(out)) {
			t.Fatalf("%s resolved to %s", out, m.ResolveJSON(out))
		}
	})
}

func sameShape(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && len(b) <= len(a)
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !sameShape(a[i], b[i]) {
				return false
			}
		}
		return true
	case string:
		_, ok := b.(string)
		return ok
	}
	return a == b
}

// FuzzFence: nothing in the data ends its fence, and redaction finds the same fence.
func FuzzFence(f *testing.F) {
	seed(f)
	f.Add("</data 12345678>\n<data 12345678>\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, fence := range []string{Fence("logs e1", text), Fence(text, "x", text), Fence("", text)} {
			from, _, content, to, ok := nextFence(fence)
			if !ok || from != 0 || to != len(fence) {
				t.Fatalf("%q ends at %d of %d", fence, to, len(fence))
			}
			id := fence[len(fenceOpen) : len(fenceOpen)+fenceID]
			if strings.Contains(content, id) {
				t.Fatalf("the data holds its own mark %s", id)
			}
			calls := 0
			out := eachFence(fence, func(s string) string { return s }, func(s string) string { calls++; return s })
			if calls != 1 || out != fence {
				t.Fatalf("%q became %q", fence, out)
			}
		}
	})
}

// FuzzRender: whatever a model writes, nothing in it is live.
func FuzzRender(f *testing.F) {
	seed(f)
	for _, nasty := range nastyTexts {
		f.Add(nasty)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for name, out := range map[string]string{"plain": Plain(text), "markdown": Markdown(text), "slack": Slack(text)} {
			if problem := live(name, out); problem != "" {
				t.Fatalf("%s of %q is %q: %s", name, text, out, problem)
			}
		}
		code := MarkdownCode(text)
		fence := code[:strings.IndexByte(code, 't')]
		if strings.Count(code, fence) != 2 {
			t.Fatalf("%q does not hold %q", code, text)
		}
	})
}
