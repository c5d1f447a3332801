package privacy

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// What the corpus must reach, in parts of one. The lines are ours, written after the formats of real programs, so the
// figures say that nothing got worse rather than how good it is elsewhere.
const (
	wantRecall    = 0.99
	wantPrecision = 0.99
)

type span struct {
	from, to int
	kind     string
}

func TestCorpus(t *testing.T) {
	hosts := lowered([]string{"db1", "node-17"})
	var labelled, hit, found, right int
	for _, file := range []string{"positive", "negative"} {
		for n, line := range corpusLines(t, file) {
			text, want := unmark(line)
			s := scanner{text: text, hosts: hosts}
			got := s.scan()
			labelled += len(want)
			found += len(got)
			for _, w := range want {
				if covered(w, got) {
					hit++
				} else {
					t.Logf("%s %d: missed %s %q in %s", file, n, w.kind, text[w.from:w.to], text)
				}
			}
			for _, g := range got {
				if expected(g, want) {
					right++
				} else {
					t.Logf("%s %d: took %s %q of %s", file, n, g.kind, text[g.from:g.to], text)
				}
			}
		}
	}
	recall, precision := float64(hit)/float64(labelled), float64(right)/float64(found)
	fmt.Printf("corpus: %d labelled, recall %.3f; %d found, precision %.3f\n", labelled, recall, found, precision)
	if recall < wantRecall || precision < wantPrecision {
		t.Errorf("recall %.3f and precision %.3f; want %.2f and %.2f", recall, precision, wantRecall, wantPrecision)
	}
}

// covered tells whether nothing of a label is left: one finding holds it, or several do together.
func covered(w span, got []finding) bool {
	at := w.from
	for _, g := range got {
		if g.from <= at && g.to > at && (g.secret && w.kind == "secret" || g.kind == w.kind) {
			at = g.to
			if at < w.to && w.kind == KindUser { // "Chen Wei": two names
				at++
			}
		}
	}
	return at >= w.to
}

// expected tells whether a finding lies within a label of its kind.
func expected(g finding, want []span) bool {
	for _, w := range want {
		if g.from >= w.from && g.to <= w.to && (g.secret && w.kind == "secret" || g.kind == w.kind) {
			return true
		}
	}
	return false
}

func corpusLines(t testing.TB, file string) []string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + file + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSuffix(line, "\n"); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}

// unmark returns a line without its marks, and where they were.
func unmark(line string) (string, []span) {
	line = strings.NewReplacer("·", "", "⏎", "\n").Replace(line)
	var text strings.Builder
	var spans []span
	for {
		before, rest, ok := strings.Cut(line, "⟦")
		text.WriteString(before)
		if !ok {
			return text.String(), spans
		}
		marked, after, _ := strings.Cut(rest, "⟧")
		kind, value, _ := strings.Cut(marked, ":")
		spans = append(spans, span{text.Len(), text.Len() + len(value), kind})
		text.WriteString(value)
		line = after
	}
}

// TestOwnWords: what is redacted already stays as it is in our words, or else a model would see its own names change.
func TestOwnWords(t *testing.T) {
	for _, file := range []string{"positive", "negative"} {
		for _, line := range corpusLines(t, file) {
			text, _ := unmark(line)
			r, m := fresh(t)
			out, _ := r.Text(text)
			w := work{r: r, known: r.known(), counts: Counts{}}
			if again := w.text(out, true); again != out {
				t.Errorf("%q became %q", out, again)
			}
			if back := m.Resolve(out); !strings.Contains(out, "[secret:") && back != text {
				t.Errorf("%q resolved to %q", text, back)
			}
		}
	}
}

// TestKeep: names of services stay, whatever they look like.
func TestKeep(t *testing.T) {
	r, err := New(Config{Key: []byte("0123456789abcdef"), Map: NewMap(), Hosts: []string{"cart"}, Keep: []string{"cart", "shop.acme.com"}})
	if err != nil {
		t.Fatal(err)
	}
	const text = `user=cart at shop.acme.com, {"username":"cart"}`
	if out, counts := r.Text(text); out != text || len(counts) != 0 {
		t.Errorf("%s, %v", out, counts)
	}
	if out, _ := r.JSON([]byte(`{"user":"cart","password":"cart"}`)); string(out) != `{"user":"cart","password":"[secret:password]"}` {
		t.Errorf("%s", out)
	}
}

// TestCollision: two originals that would share a pseudonym do not.
func TestCollision(t *testing.T) {
	m, key := NewMap(), []byte("0123456789abcdef")
	taken := derive(key, KindIP, "10.0.0.1", digits)
	m.originals[taken], m.names[entity{KindIP, "other"}] = "other", taken
	name := m.name(key, KindIP, "10.0.0.1")
	if name == taken || !isPseudonym(name) || m.Resolve(name+" "+taken) != "10.0.0.1 other" {
		t.Errorf("%s beside %s", name, taken)
	}
}
