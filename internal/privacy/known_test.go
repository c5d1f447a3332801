package privacy_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/privacy"
)

// learned is what tells of names once, with the phrases by which they are recognised.
const learned = "Failed password for invalid user jsmith from 10.20.30.40 port 22\nuser=mjones login ok\ncd /home/akumar/x\n" +
	"bob.miller@corp.example.com wrote to web-7.prod.example.com\nuser=jürgen in"

// originals are the names in it.
var originals = []string{"jsmith", "10.20.30.40", "mjones", "akumar", "bob.miller@corp.example.com", "web-7.prod.example.com", "jürgen"}

func taught(t *testing.T) *privacy.Map {
	t.Helper()
	m := privacy.NewMap()
	redactor(t, m).Text(learned)
	if m.Len() != len(originals) {
		t.Fatalf("%d names, want %d", m.Len(), len(originals))
	}
	b, err := json.Marshal(m) // as another process reads it
	if err != nil {
		t.Fatal(err)
	}
	stored := privacy.NewMap()
	if err := json.Unmarshal(b, stored); err != nil {
		t.Fatal(err)
	}
	return stored
}

// TestKnownNamesLeaveNowhere: what a phrase gave away once leaves in no text, of a model's or of a tool's, with or without it.
func TestKnownNamesLeaveNowhere(t *testing.T) {
	m := taught(t)
	for _, name := range originals {
		quoted, err := json.Marshal(map[string]any{name: []string{name, "ask " + name + " why"}})
		if err != nil {
			t.Fatal(err)
		}
		prose := "It is " + name + ". \"" + name + "\" and (" + name + "): all\\n" + name + " of %20" + name + ", backup-" + name + "_old"
		request := llm.Request{System: prose, Messages: []llm.Message{
			{Role: llm.User, Parts: []llm.Part{{Text: "See\n" + privacy.Fence("logs "+name, prose, string(quoted))}}},
			{Role: llm.Assistant, Parts: []llm.Part{{Text: prose}, {ToolUse: &llm.ToolUse{ID: "t1c1", Name: "search_logs", Arguments: quoted}}}},
			{Role: llm.User, Parts: []llm.Part{{ToolResult: &llm.ToolResult{ID: "t1c1", Text: string(quoted)}}}},
		}}
		for where, config := range map[string]privacy.Config{"own": {Map: m}, "elsewhere": {Map: privacy.NewMap(), Known: known(m)}} {
			config.Key = privacy.EnvironmentKey([]byte("a key of an installation"), "dev")
			r, err := privacy.New(config)
			if err != nil {
				t.Fatal(err)
			}
			out, counts := r.Request(request)
			b, err := json.Marshal(out)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(b), name) {
				t.Errorf("%s, %s: left in %s", name, where, b)
			}
			if got := config.Map.Resolve(out.System); got != prose || len(counts) != 1 {
				t.Errorf("%s, %s: resolved to %q, counts %v", name, where, got, counts)
			}
		}
	}
}

// TestKnownNamesAreWhole: a name in a longer word is another one, and a pseudonym or a placeholder is left alone.
func TestKnownNamesAreWhole(t *testing.T) {
	r := redactor(t, taught(t))
	for _, text := range []string{"jsmithson akumari 2jsmith", "see [secret:password] of user-801d445", "1.10.20.30.40.5"} {
		if out, _ := r.Request(llm.Request{System: text}); out.System != text {
			t.Errorf("%q became %q", text, out.System)
		}
	}
	if out, _ := r.Text("JSmith was here"); strings.Contains(out, "JSmith") {
		t.Errorf("another case left: %q", out)
	}
}

// TestOrdinaryNames: a user called like an ordinary word, or too short, is one only after a phrase that says so.
func TestOrdinaryNames(t *testing.T) {
	m := privacy.NewMap()
	r := redactor(t, m)
	for _, name := range []string{"orders", "jd", "root", "test", "service", "checkout"} {
		if out, _ := r.Text("user=" + name + " in, /home/" + name + "/x"); name != "root" && name != "test" && name != "checkout" && name != "service" && strings.Contains(out, name) {
			t.Errorf("%q left with its phrase: %s", name, out)
		}
		text := "the " + name + " is slow"
		if out, _ := r.Text(text); out != text {
			t.Errorf("%q became %q", text, out)
		}
	}
}

// TestRequestTeachesItself: a name stands without its phrase before it stands with it.
func TestRequestTeachesItself(t *testing.T) {
	out, _ := redactor(t, privacy.NewMap()).Text("jsmith failed\nuser=jsmith failed")
	if strings.Contains(out, "jsmith") {
		t.Error(out)
	}
}

// TestKnownNameBesideASecret: where a name and a secret overlap, neither leaves in part.
func TestKnownNameBesideASecret(t *testing.T) {
	m := privacy.NewMap()
	r := redactor(t, m)
	r.Text("user=hunter2 in")
	out, _ := r.Text("password=hunter2-and-more, hunter2")
	if strings.Contains(out, "hunter2") || strings.Contains(out, "more") {
		t.Error(out)
	}
}

func TestManyKnownNames(t *testing.T) {
	m := privacy.NewMap()
	r := redactor(t, m)
	var text strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&text, "user=someone%d in\n", i)
	}
	r.Text(text.String())
	if out, _ := r.Text("ask someone4321, someone77 and someone5000"); out != "ask "+nameOf(t, m, "someone4321")+", "+nameOf(t, m, "someone77")+" and someone5000" {
		t.Error(out)
	}
}

// known is what others know who met the names of a map.
func known(maps ...*privacy.Map) *privacy.Known {
	k := privacy.NewKnown()
	for _, m := range maps {
		k.Add(m)
	}
	return k
}

// TestKnownNamesOfBoth: of the names that an investigation and its environment know, the longest goes; what is learned later counts
// from then on.
func TestKnownNamesOfBoth(t *testing.T) {
	elsewhere, m := privacy.NewMap(), privacy.NewMap()
	redactor(t, elsewhere).Text("connect web-7.prod.example.com, user=mjones in")
	redactor(t, m).Text("user=jsmith in, connect prod.example.com")
	k := known(elsewhere, elsewhere)
	if k.Len() != 2 {
		t.Errorf("%d names, want 2", k.Len())
	}
	r, err := privacy.New(privacy.Config{Key: make([]byte, 32), Map: m, Known: k})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{"mjones": "mjones", "jsmith": "jsmith", "WEB-7.prod.example.com!": "WEB-7.prod.example.com", "prod.example.com!": "prod.example.com"} {
		if out, _ := r.Text(text); strings.TrimSuffix(out, "!") != nameOf(t, m, want) {
			t.Errorf("%q became %q", text, out)
		}
	}
	if out, _ := r.Text("akumar"); out != "akumar" {
		t.Errorf("nobody knows akumar yet: %q", out)
	}
	k.Add(taught(t))
	if out, _ := r.Text("akumar"); out == "akumar" {
		t.Error("akumar is known now")
	}
}

// nameOf is the pseudonym of an original.
func nameOf(t *testing.T, m *privacy.Map, original string) string {
	t.Helper()
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var names map[string]string
	if err := json.Unmarshal(b, &names); err != nil {
		t.Fatal(err)
	}
	for name, o := range names {
		if o == original {
			return name
		}
	}
	t.Fatalf("%s has no pseudonym", original)
	return ""
}
