// Package secret masks what looks like a credential in arguments, configuration files and logs before they leave the node.
package secret

import (
	"regexp"
	"slices"
	"strings"
)

// Mask stands where a credential was.
const Mask = "****"

var (
	// name matches the names that credentials go by, as a whole word of an option, key or variable.
	name = `(?:[\w.-]*(?:password|passwd|passphrase|secret|token|credential|api[_-]?key|access[_-]?key|private[_-]?key|encryption[_-]?key|signing[_-]?key|requirepass|masterauth)[\w-]*|(?:[\w.-]*[_.-])?(?:pwd|pass|auth|authorization))`

	option   = regexp.MustCompile(`(?i)^(-{1,2}` + name + `|` + name + `)$`)
	assigned = regexp.MustCompile(`(?i)^(-{0,2}` + name + `[=:])(.+)$`)
	userinfo = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://)([^/\s:@]*):([^/\s@]+)@`)
	// setting is key: value, key = value or "key": "value", anywhere in a line; element is XML; directive is key value as Redis writes it.
	setting   = regexp.MustCompile(`(?i)("?\b` + name + `"?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s,;}&]+)`)
	element   = regexp.MustCompile(`(?i)(<` + name + `(?:\s[^<>]*)?>)[^<]+`)
	directive = regexp.MustCompile(`(?i)^(\s*` + name + `[ \t]+)("[^"]*"|[^\s=:]\S*)`)
	// quoted and given are the same in a log: "key": "value" and key="value", and key=value.
	quoted = regexp.MustCompile(`(?i)("?\b` + name + `"?\s*[=:]\s*)"(?:[^"\\]|\\.)*"`)
	given  = regexp.MustCompile(`(?i)(\b` + name + `=)[^\s"',;}&]+`)

	wholeFile = regexp.MustCompile(`(?i)password|passwd|passphrase|secret|credential|private[_-]?key|token|\.(pem|key|p12|pfx|jks)$|^(id_rsa|id_ed25519|\.pgpass|\.netrc|htpasswd)$`)
	bearer    = regexp.MustCompile(`(?i)\b(bearer|basic)\s+[a-z0-9+/=_.~-]{8,}`)
	// known are shapes that are credentials wherever they stand: cloud keys, forge tokens, JSON web tokens.
	known = regexp.MustCompile(`\b(AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{30,}|glpat-[\w-]{20,}|xox[abprs]-[\w-]{10,}|sk-[A-Za-z0-9_-]{20,}|eyJ[\w-]+\.[\w-]+\.[\w-]*)`)
)

// Args returns a copy of args with credentials masked: --password=x, --password x, PASSWORD=x, also inside of one argument, and
// user:x@host in addresses.
func Args(args []string) []string {
	out := make([]string, len(args))
	hide := false
	for i, a := range args {
		switch {
		case hide && !strings.HasPrefix(a, "-"):
			out[i], hide = Mask, false
			continue
		case assigned.MatchString(a):
			out[i] = assigned.ReplaceAllString(a, "${1}"+Mask)
		default:
			out[i] = setting.ReplaceAllString(shapes(a), "${1}"+Mask)
		}
		hide = option.MatchString(a) && i > 0
	}
	return out
}

// Named tells from a file's name that all of its content is a credential.
func Named(file string) bool { return wholeFile.MatchString(file) }

// Name tells from the name of a variable, option or key that its value is a credential.
func Name(name string) bool { return option.MatchString(name) }

// Text masks credentials in a configuration file or any other text, line by line; the number of lines stays.
func Text(text string) string {
	lines := strings.SplitAfter(text, "\n")
	block := false
	for i, line := range lines {
		switch {
		case strings.Contains(line, "-----BEGIN ") && strings.Contains(line, "PRIVATE KEY"):
			block = true
		case block && strings.Contains(line, "-----END "):
			block = false
		case block:
			lines[i] = Mask + "\n"
		default:
			line = setting.ReplaceAllString(shapes(line), "${1}"+Mask)
			line = element.ReplaceAllString(line, "${1}"+Mask)
			lines[i] = directive.ReplaceAllString(line, "${1}"+Mask)
		}
	}
	return strings.Join(lines, "")
}

// Line masks credentials in a line of a log, which stays what it was: JSON remains JSON, and prose that only mentions a
// password is not touched. Most lines name none, and cost a few searches for words.
func Line(s string) string {
	lower := strings.ToLower(s)
	if mentions(lower, "://", "bearer", "basic", "akia", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "glpat-", "xox", "sk-", "eyj") {
		s = shapes(s)
	}
	if mentions(lower, "pass", "pwd", "secret", "token", "credential", "key", "auth") {
		s = quoted.ReplaceAllString(s, `${1}"`+Mask+`"`)
		s = given.ReplaceAllString(s, "${1}"+Mask)
	}
	return s
}

func mentions(s string, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(s, w) })
}

func shapes(s string) string {
	s = userinfo.ReplaceAllString(s, "${1}${2}:"+Mask+"@")
	s = bearer.ReplaceAllString(s, "${1} "+Mask)
	return known.ReplaceAllString(s, Mask)
}
