package builtin

import (
	"testing"

	"github.com/midwatch/midwatch/internal/tools/result"
)

func TestEditOf(t *testing.T) {
	for name, c := range map[string]struct {
		detail string // as the exporter writes it
		want   edit
	}{
		"an entry":                     {"@ LEVEL\n-info\n+debug\n", edit{"LEVEL", "info", "debug"}},
		"an entry that looks like one": {"@ URL\n-http://a\n+http://b\n", edit{"URL", "http://a", "http://b"}},
		"an entry that is new":         {"@ LEVEL\n+debug\n", edit{"LEVEL", "", "debug"}},
		"the first of two":             {"@ A\n-1\n+2\n@ B\n-3\n+4\n", edit{"A", "1", "2"}},
		"a line of a file": {
			"@ app.conf\n--- before\n+++ after\n@@ -1,2 +1,2 @@\n-greeting: hello\n+greting: hello\n timeout: 2s\n",
			edit{"greeting", "greeting: hello", "greting: hello"},
		},
		"a line without a key":   {"@ nginx.conf\n--- before\n+++ after\n@@ -1 +1 @@\n-listen 80;\n+listen 81;\n", edit{"nginx.conf", "listen 80;", "listen 81;"}},
		"a line that is gone":    {"@ app.conf\n--- before\n+++ after\n@@ -1,2 +1 @@\n a: 1\n-b: 2\n", edit{"b", "b: 2", ""}},
		"an option":              {"@ ARGS\n---level=info\n+--level=debug\n", edit{"ARGS", "--level=info", "--level=debug"}},
		"an option in a file":    {"@ args\n--- before\n+++ after\n@@ -1 +1 @@\n---level=info\n+++level\n", edit{"--level", "--level=info", "++level"}},
		"what is masked differs": {"@ PASSWORD\n only what is masked differs\n", edit{"PASSWORD", "", ""}},
		"nothing":                {"", edit{}},
	} {
		if got := editOf(result.Deployment{Detail: c.detail}); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
