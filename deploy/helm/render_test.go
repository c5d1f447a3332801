package helm_test

import (
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/pmezard/go-difflib/difflib"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// sets are the names of the sets of values; the first has the defaults.
func sets(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	out := []string{"embedded"}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".yaml")
		if name != "embedded" && !strings.HasSuffix(name, ".golden") {
			out = append(out, name)
		}
	}
	return out
}

// helm runs the pinned Helm, which `make .cache/tools/helm` builds.
func helm(t *testing.T, args ...string) (string, error) {
	t.Helper()
	program, err := filepath.Abs("../../.cache/tools/helm")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		t.Skip("Helm is not built: run make .cache/tools/helm")
	}
	out, err := exec.CommandContext(t.Context(), program, append(args, "--kube-version", "1.31.0")...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(out), errors.New(string(exit.Stderr))
	}
	return string(out), err
}

// sums of what is rendered elsewhere would make every difference look like many.
var sums = regexp.MustCompile(`(checksum/config: |name: midwatch-secrets-)[0-9a-f]+`)

// rendered remembers what each set renders.
var rendered sync.Map

func render(t *testing.T, set string) string {
	t.Helper()
	if text, ok := rendered.Load(set); ok {
		return text.(string)
	}
	text, err := helm(t, "template", "midwatch", "midwatch", "--namespace", "midwatch", "--values", "testdata/"+set+".yaml")
	if err != nil {
		t.Fatal(err)
	}
	rendered.Store(set, text)
	return text
}

func TestLint(t *testing.T) {
	for _, set := range sets(t) {
		if out, err := helm(t, "lint", "--strict", "midwatch", "--values", "testdata/"+set+".yaml"); err != nil {
			t.Errorf("%s: %v\n%s", set, err, out)
		}
	}
}

func TestGolden(t *testing.T) {
	golden := func(set string) string { return sums.ReplaceAllString(render(t, set), "${1}SUM") }
	base := golden("embedded")
	for _, set := range sets(t) {
		file, got := "testdata/embedded.golden.yaml", base
		if set != "embedded" {
			file, got = "testdata/"+set+".golden.diff", diff(t, base, golden(set), "embedded", set)
		}
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(want) != got {
			t.Errorf("%s is another; -update rewrites it, for review:\n%s", file, diff(t, string(want), got, "golden", "now"))
		}
	}
}

func diff(t *testing.T, a, b, from, to string) string {
	t.Helper()
	out, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{A: difflib.SplitLines(a), B: difflib.SplitLines(b), FromFile: from, ToFile: to, Context: 2})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// objects decodes what a set renders as the API server would that refuses unknown fields. Kinds of others are left out.
func objects(t *testing.T, set string) []runtime.Object {
	t.Helper()
	decoder := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	documents := utilyaml.NewDocumentDecoder(io.NopCloser(strings.NewReader(render(t, set))))
	var out []runtime.Object
	buffer := make([]byte, 1<<20)
	for {
		n, err := documents.Read(buffer)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		text := string(buffer[:n])
		if strings.Contains(text, "apiVersion: cert-manager.io/") {
			continue
		}
		o, _, err := decoder.Decode([]byte(text), nil, nil)
		if err != nil {
			t.Errorf("%s: %v\n%s", set, err, text)
			continue
		}
		out = append(out, o)
	}
}

func TestObjectsAreValid(t *testing.T) {
	for _, set := range sets(t) {
		if n := len(objects(t, set)); n < 30 {
			t.Errorf("%s: %d objects", set, n)
		}
	}
}

// Parts read what the chart writes for them, strictly.
func TestConfigurationIsUnderstood(t *testing.T) {
	program := filepath.Join(t.TempDir(), "midwatch")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../cmd/midwatch").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, set := range sets(t) {
		file := filepath.Join(t.TempDir(), "midwatch.yaml")
		for _, o := range objects(t, set) {
			if m, ok := o.(*corev1.ConfigMap); ok {
				if err := os.WriteFile(file, []byte(m.Data["midwatch.yaml"]), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		out, err := exec.CommandContext(t.Context(), program, "version", "--config", file).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", set, err, out)
		}
	}
}

func TestValuesAreChecked(t *testing.T) {
	for values, want := range map[string]string{
		"jetstream.enabled=false":             "/jetstream/url",
		"clickhouse.enabled=false":            "/clickhouse/addresses",
		"temporal.enabled=false":              "/temporal/address",
		"postgres.enabled=false":              "/postgres/dsnSecret/name",
		"exporter.replica=3":                  "'replica' not allowed",
		"config.store.addresses={x:1}":        "/config/store",
		"certificates.mode=none":              "/certificates/mode",
		"remedies.kinds={delete_everything}":  "/remedies/kinds",
		"workers.sandbox.seccompProfile=mine": "/workers/sandbox/seccompProfile",
	} {
		if _, err := helm(t, "template", "midwatch", "midwatch", "--set", values); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error at %s", values, err, want)
		}
	}
}
