// Package secret masks what looks like a credential in arguments and configuration files before they leave the node.
package secret

import (
	"regexp"
	"strings"
)

// Mask stands where a credential was.
const Mask = "****"

var (
	// name matches the names that credentials go by, as a whole word of an option, key or variable.
	name = `(?:[\w.-]*(?:password|passwd|passphrase|secret|token|credential|api[_-]?key|access[_-]?key|private[_-]?key|requirepass|masterauth)[\w-]*|pwd|pass|auth|authorization)`

	option   = regexp.MustCompile(`(?i)^(-{1,2}` + name + `|` + name + `)$`)
	assigned = regexp.MustCompile(`(?i)^(-{0,2}` + name + `[=:])(.+)$`)
	userinfo = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://)([^/\s:@]*):([^/\s@]+)@`)
	// setting is key: value, key = value or "key": "value", anywhere in a line; directive is key value as Redis writes it.
	setting   = regexp.MustCompile(`(?i)("?\b` + name + `"?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s,;}&]+)`)
	directive = regexp.MustCompile(`(?i)^(\s*` + name + `[ \t]+)("[^"]*"|[^\s=:]\S*)`)
	wholeFile = regexp.MustCompile(`(?i)password|passwd|passphrase|secret|credential|private[_-]?key|token|\.(pem|key|p12|pfx|jks)$|^(id_rsa|id_ed25519|\.pgpass|\.netrc|htpasswd)$`)
	bearer    = regexp.MustCompile(`(?i)\b(bearer|basic)\s+[a-z0-9+/=_.~-]{8,}`)
	// known are shapes that are credentials wherever they stand: cloud keys, forge tokens, JSON web tokens.
	known = regexp.MustCompile(`\b(AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{30,}|glpat-[\w-]{20,}|xox[abprs]-[\w-]{10,}|sk-[A-Za-z0-9_-]{20,}|eyJ[\w-]+\.[\w-]+\.[\w-]*)`)
)

// Args returns a copy of args with credentials masked: --password=x, --password x, PASSWORD=x and user:x@host in addresses.
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
			out[i] = shapes(a)
		}
		hide = option.MatchString(a) && i > 0
	}
	return out
}

// Named tells from a file's name that all of its content is a credential.
func Named(file string) bool { return wholeFile.MatchString(file) }

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
			lines[i] = directive.ReplaceAllString(line, "${1}"+Mask)
		}
	}
	return strings.Join(lines, "")
}

func shapes(s string) string {
	s = userinfo.ReplaceAllString(s, "${1}${2}:"+Mask+"@")
	s = bearer.ReplaceAllString(s, "${1} "+Mask)
	return known.ReplaceAllString(s, Mask)
}
