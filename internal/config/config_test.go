package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/midwatch/midwatch/internal/config"
)

type section struct {
	Listen string `yaml:"listen"`
	Rules  []struct {
		Name string `yaml:"name"`
	} `yaml:"rules"`
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
		"# c\n\napi:\n  listen: x\n  lisen: y\n":         `line 5: unknown key "lisen"`,
		"api:\n  listen: x\nappi:\n  listen: y\n":        `:3: unknown key "appi"`,
		"api:\n  rules:\n    - name: a\n    - naem: b\n": `line 4: unknown key "naem"`,
		"api:\n  listen: x\n\n  # c\n  rules: 7\n":       "line 5: cannot unmarshal",
		"- a\n": ":1: want key: value pairs",
	} {
		if _, err := load(t, text); !errors.Is(err, config.ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
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
