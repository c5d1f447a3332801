package wire

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/internal/llm"
)

func TestKey(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	for _, c := range []struct {
		content string
		mode    os.FileMode
		want    string // in the error, or the key
	}{
		{" sk-1 \n", 0o600, "sk-1"},
		{"sk-1", 0o400, "sk-1"},
		{"sk-1", 0o604, "can be read by others (mode 0604): chmod 600 it"},
		{"\n \n", 0o600, "is empty"},
		{"one\ntwo", 0o600, "more than one key"},
		{"k\x00ey", 0o600, "more than one key"},
		{strings.Repeat("k", maxKey+1), 0o600, "more than one key"},
	} {
		if err := os.WriteFile(file, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, c.mode); err != nil {
			t.Fatal(err)
		}
		key, err := Key(file)
		if err != nil {
			key = err.Error()
		}
		if !strings.Contains(key, c.want) || err != nil && strings.Contains(key, "sk-") {
			t.Errorf("%.20q (mode %o): %s, want %s", c.content, c.mode, key, c.want)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Key(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		ms, after string
		want      time.Duration
	}{
		{"", "", 0},
		{"", "7", 7 * time.Second},
		{"", "0.5", 500 * time.Millisecond},
		{"1500", "9", 1500 * time.Millisecond},
		{"soon", "9", 9 * time.Second},
		{"", "Sun, 22 Nov 2026 04:01:00 GMT", time.Minute},
		{"", "Sun, 22 Nov 2026 03:00:00 GMT", 0},
		{"", "-5", 0},
		{"", "NaN", 0},
		{"", "1e300", maxWait},
		{"Inf", "", maxWait},
	} {
		header := http.Header{"Retry-After-Ms": {c.ms}, "Retry-After": {c.after}}
		if got := RetryAfter(header, now); got != c.want {
			t.Errorf("ms %q, after %q: %s, want %s", c.ms, c.after, got, c.want)
		}
	}
}

func TestFaultsKeepSecrets(t *testing.T) {
	f := Faults{Provider: "p", Secrets: []string{"sk-secret", ""}}
	for _, err := range []*llm.Error{
		f.Said(llm.Denied, 403, nil, "code", "you sent sk-secret, which is wrong"),
		f.Said(llm.Denied, 401, nil, "invalid_api_key", "Incorrect API key provided: sk-s*cret"),
		f.Said(llm.Denied, 401, nil, "sk-secret", ""),
		f.Odd("the answer was %s", "sk-secret"),
		f.Broke(&url.Error{Op: "Post", URL: "https://host/?key=sk-secret", Err: errors.New("dial: no route")}),
	} {
		if text := err.Error(); strings.Contains(text, "secret") || strings.Contains(text, "sk-s*") {
			t.Errorf("the error tells the key: %s", text)
		}
	}
	if long := f.Said(llm.Invalid, 400, nil, "", strings.Repeat("é", 9999)).Error(); len(long) > 2*maxSaid {
		t.Errorf("an error of %d bytes", len(long))
	}
}

func TestArguments(t *testing.T) {
	for _, c := range []struct{ text, want, object, written string }{
		{`{"a":1}`, `{"a":1}`, `{"a":1}`, `{"a":1}`},
		{"", `{}`, `{}`, `{}`},
		{" \n", `{}`, `{}`, `{}`},
		{`{"a":`, `"{\"a\":"`, `{"unreadable":"{\"a\":"}`, `{"a":`},
		{`[1]`, `[1]`, `{"unreadable":[1]}`, `[1]`},
		{`null`, `null`, `{"unreadable":null}`, ``},
		{"{\"a\":\"\xff\"}", "{\"a\":\"\xff\"}", "{\"a\":\"\xff\"}", "{\"a\":\"\xff\"}"},
	} {
		got := Arguments(c.text)
		if string(got) != c.want || !json.Valid(got) {
			t.Errorf("%q: %s, want %s", c.text, got, c.want)
		}
		if object := Object(got); string(object) != c.object || !json.Valid(object) {
			t.Errorf("%q: object %s, want %s", c.text, object, c.object)
		}
		if written := Written(got); written != c.written {
			t.Errorf("%q: written %s, want %s", c.text, written, c.written)
		}
	}
}

// TestAnswerOfOddServers is what compatible endpoints do that the vendor's reference does not describe.
func TestAnswerOfOddServers(t *testing.T) {
	var a Answer
	a.Arguments(0, "lost: no call began")
	a.Tool(0, "", "first")
	a.Arguments(0, `{}`)
	a.Tool(0, "x", "second") // another call at the same index
	a.Tool(0, "x", "second") // the same again
	a.Arguments(0, `{"n":`)
	a.Arguments(0, `2}`)
	a.Text(0, "and words at that index")
	want := []llm.Part{
		{ToolUse: &llm.ToolUse{ID: "call_0", Name: "first", Arguments: json.RawMessage(`{}`)}},
		{ToolUse: &llm.ToolUse{ID: "x", Name: "second", Arguments: json.RawMessage(`{"n":2}`)}},
		{Text: "and words at that index"},
	}
	if diff := cmp.Diff(want, a.Message().Parts); diff != "" || !a.Tools() {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
}

func FuzzArguments(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"a":`, "\xff", `"x"`, "1e999", strings.Repeat("[", 20)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Arguments(text)
		if object := Object(got); !json.Valid(got) || !json.Valid(object) || object[0] != '{' {
			t.Errorf("%q became %s and %s", text, got, object)
		}
	})
}
