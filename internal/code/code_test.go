package code_test

import (
	"strings"
	"testing"

	"github.com/midwatch/midwatch/internal/code"
	"github.com/midwatch/midwatch/internal/telemetry"
)

func TestParseSource(t *testing.T) {
	cases := map[string]struct{ repo, under string }{
		"https://github.com/acme/shop":                   {"acme/shop", ""},
		"https://github.com/acme/shop.git":               {"acme/shop", ""},
		"https://GitHub.com/acme/shop/tree/main/x":       {"acme/shop", ""},
		"git+https://github.com/acme/shop":               {"acme/shop", ""},
		"git@github.com:acme/shop.git":                   {"acme/shop", ""},
		"ssh://git@github.com/acme/shop.git":             {"acme/shop", ""},
		"github.com/acme/shop/cmd/till":                  {"acme/shop", "cmd/till"},
		"https://github.com.evil.example/acme/shop":      {},
		"https://evil.example/github.com/acme/shop":      {},
		"https://github.com@evil.example/acme/shop":      {},
		"https://github.com/acme":                        {},
		"https://github.com/acme/..":                     {},
		"https://github.com/-acme/shop":                  {},
		"github.com/acme/shop%2f..%2fother":              {},
		"":                                               {},
		"acme/shop":                                      {},
		"https://github.com/acme/sh op":                  {},
		"https://github.com/" + strings.Repeat("a", 100): {},
	}
	for source, want := range cases {
		repo, under, err := code.ParseSource(source, "github.com")
		if string(repo) != want.repo || under != want.under || (err == nil) != (want.repo != "") {
			t.Errorf("%q: %q %q, %v; want %q %q", source, repo, under, err, want.repo, want.under)
		}
	}
}

func TestAllowed(t *testing.T) {
	a := code.Allowed{"acme/shop", "tools/*"}
	for repo, want := range map[code.Repository]bool{
		"acme/shop": true, "ACME/Shop": true, "acme/other": false, "tools/x": true, "toolsx/y": false, "tools/": true, "evil/acme/shop": false,
	} {
		if a.Allows(repo) != want {
			t.Errorf("%q: %v", repo, !want)
		}
	}
}

func TestPlaceTrustsTheConfigurationFirst(t *testing.T) {
	s := code.Sources{
		Host: "github.com", Allowed: code.Allowed{"acme/shop", "acme/till"},
		Services: []code.Service{{Service: "till", Repository: "acme/till", Path: "/x"}},
	}
	image := func(source string) map[string]string { return map[string]string{telemetry.ImageSource: source} }
	if p := s.Place("till", image("https://github.com/acme/shop")); p.Repository != "acme/till" || p.Path != "x" || p.Origin != "configuration" {
		t.Errorf("%+v", p)
	}
	if p := s.Place("cart", image("https://github.com/acme/shop")); p.Repository != "acme/shop" || p.Origin != telemetry.ImageSource {
		t.Errorf("%+v", p)
	}
	for _, source := range []string{"https://github.com/evil/code", "https://example.org/acme/shop", "nonsense", ""} {
		if p := s.Place("cart", image(source)); p.Repository != "" || p.Why == "" {
			t.Errorf("%q: %+v", source, p)
		}
	}
}

func TestVersion(t *testing.T) {
	sha := strings.Repeat("c0ffee", 7)[:40]
	cases := []struct {
		attributes map[string]string
		want       string
	}{
		{map[string]string{telemetry.VCSRevision: sha, telemetry.ImageTag: "1.2"}, sha},
		{map[string]string{telemetry.ImageRevision: strings.ToUpper(sha)}, sha},
		{map[string]string{telemetry.ImageRevision: "main", telemetry.ImageTag: "1.2.3"}, "1.2.3"},
		{map[string]string{telemetry.ImageTag: "sha-c0ffee1"}, "c0ffee1"},
		{map[string]string{telemetry.ImageTag: "latest"}, ""},
		{map[string]string{telemetry.ImageTag: "main"}, ""},
		{map[string]string{telemetry.ImageTag: "../../x"}, ""},
		{nil, ""},
	}
	for _, c := range cases {
		if got, _, _ := (code.Sources{}).Version(c.attributes); got != c.want {
			t.Errorf("%v: %q, want %q", c.attributes, got, c.want)
		}
	}
	if _, _, dirty := (code.Sources{}).Version(map[string]string{telemetry.VCSRevision: sha, telemetry.VCSModified: "true"}); !dirty {
		t.Error("a changed working tree was not told")
	}
}

func TestWritable(t *testing.T) {
	for path, want := range map[string]bool{
		"a.go": true, "cmd/x/main.go": true, ".github/workflows/x.yml": false, ".GitHub/x": false, "x/.git/config": false, "../x": false, "/x": false,
		"": false, "a//b": false, "Jenkinsfile": false, ".gitmodules": false, "CODEOWNERS": false, "a\nb": false,
		"azure-pipelines.yml": false, ".buildkite/pipeline.yml": false, "deploy/.tekton/run.yaml": false, "pipelines.yml": true,
	} {
		if (code.Writable(path, "100644") == nil) != want {
			t.Errorf("%q: want %v", path, want)
		}
	}
	if code.Writable("a", "120000") == nil {
		t.Error("a symbolic link was taken")
	}
}

func FuzzParseSource(f *testing.F) {
	f.Add("https://github.com/acme/shop.git")
	f.Add("git@github.com:acme/shop")
	f.Fuzz(func(t *testing.T, source string) {
		repo, _, err := code.ParseSource(source, "github.com")
		if err != nil {
			return
		}
		if again, err := code.ParseRepository(string(repo)); err != nil || again != repo || strings.Count(string(repo), "/") != 1 {
			t.Errorf("%q: %q, %v", source, repo, err)
		}
	})
}
