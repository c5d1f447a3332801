package privacy

import (
	"regexp"
	"strings"
	"testing"
)

// nastyTexts try to be live when shown.
var nastyTexts = []string{
	"![x](https://evil.example/?q=secret)", "[click](https://evil.example)", "<img src=https://evil.example/x.png>", "<https://evil.example|ok>",
	"https://evil.example", "HTTPS://EVIL.EXAMPLE", "ht\u200btps://evil.example", "https:\u200b//evil.example", "www.evil.example", "WWW.evil.example",
	"javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,<script>x</script>", "mailto:a@b.com", "a@b.com", "@org/team please", "fix #123 and org/x#4",
	"\x1b]8;;https://evil.example\x07click\x1b]8;;\x07", "\x1b[2J\x1b[1;1Hfake", "\u202egnp.exe", "\U000E0041\U000E0042 hidden", "<!channel> <@U123> @here",
	"[ref]: https://evil.example\n[ref]", "`code` ```\n# title\n```", "| a | b |\n|---|---|", "1. one\n2) two\n- three\n+ four\n* five\n# six\n> seven\n===",
	"&lt;script&gt; &#106;avascript", "line\rover", "$\\href{https://evil.example}{x}$", "https[:]//x https:\\/\\/evil.example", "ftp://x gopher://y custom+scheme://z",
	"hhttps://x", "xhttp://y", "http:http://z", "evil.example.com and evil.co", "![][r]\n\n[r]: //evil.example/x.png", "<a href='//evil.example'>x</a>", "file:///etc/passwd",
	"\tindented\n    code", "~~~\nhttps://x\n~~~", "\\![x](y)", "\\\\[x](y)", "www\u200b.evil.example", "httphttp://x", "a.http://x",
}

var (
	liveURL  = regexp.MustCompile(`(?i)[a-z][a-z0-9+.-]*://|\bwww\.\S|\b(javascript|data|vbscript|mailto|file):\S`)
	markup   = regexp.MustCompile("(^|[^\\\\])(\\\\\\\\)*([\\[\\]`*_|])")
	unwanted = regexp.MustCompile(`[\x00-\x08\x0b-\x1f\x7f\x{80}-\x{9f}\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{2069}\x{feff}\x{e0000}-\x{e0fff}]`)
)

// live says what is still active in a rendered text, if anything.
func live(how, out string) string {
	if m := liveURL.FindString(out); m != "" {
		return "a live link: " + m
	}
	if m := unwanted.FindString(out); m != "" {
		return "a character that acts"
	}
	switch how {
	case "markdown":
		if strings.ContainsAny(out, "<>") {
			return "HTML"
		}
		if m := markup.FindString(out); m != "" {
			return "markup: " + m
		}
		if regexp.MustCompile(`@\w|(^|[^\\\[])#\d`).MatchString(out) {
			return "a mention or reference"
		}
		if regexp.MustCompile(`(?m)^ *(#|-|\+|=|\d{1,9}[.)])`).MatchString(out) {
			return "a block"
		}
	case "slack":
		if strings.ContainsAny(out, "<>@") {
			return "an entity of Slack"
		}
	}
	return ""
}

func TestRender(t *testing.T) {
	for _, text := range nastyTexts {
		for name, out := range map[string]string{"plain": Plain(text), "markdown": Markdown(text), "slack": Slack(text)} {
			if problem := live(name, out); problem != "" {
				t.Errorf("%s of %q is %q: %s", name, text, out, problem)
			}
		}
	}
	for _, c := range []struct{ what, got, want string }{
		{"plain", Plain("checkout → payment: 5xx at 04:06, see service.name\n\tdetails"), "checkout → payment: 5xx at 04:06, see service.name\n\tdetails"},
		{"link", Plain("see https://a.example/x"), "see hxxps[:]//a.example/x"},
		{"markdown", Markdown("error_rate of *cart* (v1.2): 20%"), `error\_rate of \*cart\* (v1.2): 20%`},
		{"heading", Markdown("# big"), `\# big`},
		{"list", Markdown("1. one"), `1\. one`},
		{"code", MarkdownCode("a ``` b"), "````text\na ``` b\n````"},
		{"slack", Slack("a <b> & evil.example.com"), "a &lt;b&gt; &amp; evil.example[.]com"},
		{"terminal", Plain("\x1b]8;;https://evil.example\x07click\x1b]8;;\x07 \x1b[31mred\x1b[0m"), "click red"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.what, c.got, c.want)
		}
	}
}

func TestInert(t *testing.T) {
	for text, want := range map[string]string{
		"payment broke, ask @ann or <@U024BE7LH> <!channel>": "payment broke, ask @ ann or < @ U024BE7LH> < !channel>",
		"![x](https://evil.example/p.png)":                   "! [x] (hxxps[:]//evil.example/p.png)",
		`<img src=x> </b>`:                                   `< img src=x> < /b>`,
		"sort < in > out, a <= b, ann@example":               "sort < in > out, a <= b, ann@example",
		`CREATE INDEX ON "products" ("category")`:            `CREATE INDEX ON "products" ("category")`,
	} {
		if got := Inert(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := Markdown("fixes GH-2, gh-12 and high-2"); got != `fixes GH\[-\]2, gh\[-\]12 and high-2` {
		t.Error(got)
	}
}
