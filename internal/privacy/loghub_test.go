package privacy

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/midwatch/midwatch/internal/analysis"
)

// TestLoghub redacts real logs of six systems: what is found is reported, nothing resolves wrongly, the text does not
// grow out of bounds, and lines of one template stay lines of one template.
func TestLoghub(t *testing.T) {
	dir := loghub(t)
	for _, system := range []string{"Apache", "HDFS", "Linux", "OpenSSH", "Spark", "Zookeeper"} {
		b, err := os.ReadFile(filepath.Join(dir, system, system+"_2k.log"))
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		m := NewMap()
		r, err := New(Config{Key: []byte("0123456789abcdef"), Map: m})
		if err != nil {
			t.Fatal(err)
		}
		out, counts := r.Text(text)
		secrets := 0
		for kind, n := range counts {
			if strings.HasPrefix(kind, "secret:") {
				secrets += n
			}
		}
		if back := m.Resolve(out); secrets == 0 && back != text {
			t.Errorf("%s does not resolve to itself", system)
		}
		if len(out) > len(text)*5/4 {
			t.Errorf("%s grew from %d to %d bytes", system, len(text), len(out))
		}
		before, after := templates(text), templates(out)
		t.Logf("%-10s %6d → %6d bytes, %d pseudonyms, templates %d → %d, %v", system, len(text), len(out), m.Len(), before, after, counts)
		if after > before*11/10+2 {
			t.Errorf("%s had %d templates and has %d: what is the same line no longer looks the same", system, before, after)
		}
		if testing.Verbose() {
			report(t, r, text)
		}
	}
}

// report lists what each kind took, a few of each.
func report(t *testing.T, r *Redactor, text string) {
	t.Helper()
	shown := map[string]map[string]bool{}
	s := scanner{text: text, hosts: r.hosts}
	for _, f := range s.scan() {
		if shown[f.kind] == nil {
			shown[f.kind] = map[string]bool{}
		}
		if len(shown[f.kind]) < 12 {
			shown[f.kind][text[f.from:f.to]] = true
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(shown)) {
		t.Logf("  %-6s %s", kind, strings.Join(slices.Sorted(maps.Keys(shown[kind])), " "))
	}
}

var pseudonymed = regexp.MustCompile(`\b(ip|host|user|email)-\d[0-9a-f]{6,}`)

// templates counts the templates of a text, names masked as the miner's caller masks addresses.
func templates(text string) int {
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		seen[analysis.Template(pseudonymed.ReplaceAllString(line, "10.0.0.1"))] = true
	}
	return len(seen)
}

func loghub(t *testing.T) string {
	t.Helper()
	root := os.Getenv("MIDWATCH_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	archive := filepath.Join(root, "logs", "loghub-6.tar.zst")
	if _, err := os.Stat(archive); err != nil {
		t.Skipf("%s is not there: set MIDWATCH_TESTDATA to the recorded data", archive)
	}
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "tar", "--zstd", "-xf", archive, "-C", dir).CombinedOutput(); err != nil {
		t.Skipf("unpack %s: %v %s", archive, err, out)
	}
	return dir
}
