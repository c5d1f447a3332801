package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/config"
)

type section struct {
	Listen string `yaml:"listen"`
	Rules  []struct {
		Name string `yaml:"name"`
	} `yaml:"rules"`
	Wait  time.Duration `yaml:"wait"`
	Times `yaml:",inline"`
	Of    map[string]*Times `yaml:"of"`
}

type Times struct {
	Long time.Duration `yaml:"long"`
}

func load(t *testing.T, text string) (section, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "midwatch.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := section{Listen: "127.0.0.1:1"}
	return s, config.Load(path, map[string]any{"api": &s})
}

func TestMistakesNameTheirLine(t *testing.T) {
	for text, want := range map[string]string{
		"# c\n\napi:\n  listen: x\n  lisen: y\n":             `line 5: unknown key "lisen"`,
		"api:\n  listen: x\nappi:\n  listen: y\n":            `:3: unknown key "appi"`,
		"api:\n  rules:\n    - name: a\n    - naem: b\n":     `line 4: unknown key "naem"`,
		"api:\n  listen: x\n\n  # c\n  rules: 7\n":           "line 5: cannot unmarshal",
		"api:\n  wait: 5 parsecs\n":                          `line 2: "5 parsecs" is no length of time; write it like 90s, 15m, 12h or 30d`,
		"api:\n  wait: 7\n":                                  `line 2: "7" is no length of time`,
		"api:\n  of:\n    a: {long: 1h}\n    b: {long: x}\n": `line 4: "x" is no length of time`,
		"- a\n": ":1: want key: value pairs",
	} {
		if _, err := load(t, text); !errors.Is(err, config.ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

func TestLengthsOfTimeMayBeDays(t *testing.T) {
	s, err := load(t, "api:\n  wait: 1d12h\n  long: 2w\n  of:\n    a: {long: 250ms}\n    b: {long: -1}\n    c: {long: 0}\n    d: {long: }\n")
	if err != nil || s.Wait != 36*time.Hour || s.Long != 14*24*time.Hour || s.Of["a"].Long != 250*time.Millisecond || s.Of["b"].Long >= 0 || s.Of["c"].Long != 0 {
		t.Errorf("got %+v, %v", s, err)
	}
}

func TestEmptyFileLeavesDefaults(t *testing.T) {
	for _, text := range []string{"", "# only a comment\n", "api:\n"} {
		s, err := load(t, text)
		if err != nil || s.Listen != "127.0.0.1:1" {
			t.Errorf("%q: got %+v, %v", text, s, err)
		}
	}
}
