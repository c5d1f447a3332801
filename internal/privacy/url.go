package privacy

import "strings"

// maxAuthority bounds what stands between "://" and the path, in bytes.
const maxAuthority = 512

// colon deals with what a colon after the atom [i, j) can mean: a URL, an IPv6 address, credentials. It returns where to
// go on, or 0.
func (s *scanner) colon(i, j int, has class) int {
	if strings.HasPrefix(s.text[j:], "://") {
		return s.url(j + 3)
	}
	if end := s.telegram(i, j); end > 0 {
		return end
	}
	if j-i <= 4 && has&(nonHex|dot|dash|percent|high) == 0 {
		if end := s.ipv6(j); end > 0 {
			return end
		}
	}
	return s.loose(i, j)
}

// url marks the credentials in front of a URL's host and returns where the host starts.
func (s *scanner) url(from int) int {
	if removedEnd(s.text, from) > 0 {
		return from
	}
	at := userinfoEnd(s.text[from:min(len(s.text), from+maxAuthority)])
	if at < 0 {
		return s.webhook(from)
	}
	user, password, both := strings.Cut(s.text[from:from+at], ":")
	switch {
	case placeholder(user) || user == "":
	case secretPrefix(user) != "" || !both && random(user):
		s.secret(from, from+len(user), "token")
	case userEnd(user, 0) != len(user): // nothing a pseudonym could stand for
		s.secret(from, from+len(user), "user")
	case personal(user) && (both || !program(user)):
		s.pseudonym(from, from+len(user), KindUser)
	}
	if both && !placeholder(password) {
		s.secret(from+len(user)+1, from+at, "password")
	}
	return from + at + 1
}

// userinfoEnd returns the index of the "@" that ends the credentials of what follows "://", or -1. A password may hold
// what should have been escaped.
func userinfoEnd(t string) int {
	end := strings.IndexAny(t, " \t\r\n\"'`<>\\")
	if end < 0 {
		end = len(t)
	}
	t = t[:end]
	authority := t
	if slash := strings.IndexAny(t, "/?#"); slash >= 0 {
		authority = t[:slash]
	}
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		return at
	}
	_, port, ok := strings.Cut(authority, ":")
	if !ok || strings.Trim(port, "0123456789") == "" || strings.HasPrefix(authority, "[") || strings.ContainsAny(port, ",:") {
		return -1
	}
	return strings.LastIndexByte(t, '@')
}

// webhook marks the path of an address that is itself the secret.
func (s *scanner) webhook(from int) int {
	rest := s.text[from:min(len(s.text), from+maxAuthority)]
	for _, host := range [...]string{"hooks.slack.com/services/", "discord.com/api/webhooks/", "discordapp.com/api/webhooks/"} {
		if strings.HasPrefix(rest, host) {
			path := from + len(host)
			if removedEnd(s.text, path) > 0 {
				return path
			}
			end := bareEnd(s.text, path, equals)
			s.secret(path, end, "webhook")
			return max(end, path)
		}
	}
	return from
}

// labels stand before a colon and an address without being a user with a password.
var labels = set("mailto sip sips xmpp acct smtp email mail from to cc bcc user username login account owner contact sender recipient " +
	"id name subject by key author committer member principal sha256 sha512 git image")

// loose marks credentials without a scheme: app:secret@db, root:toor@tcp(…), and -u user:password.
func (s *scanner) loose(i, j int) int {
	t := s.text
	if labels[strings.ToLower(t[i:j])] || removedEnd(t, j+1) > 0 {
		return 0
	}
	curl := s.prevEnd+1 == i && (s.prev == "-u" || s.prev == "--user" || s.prev == "--proxy-user")
	for k := max(j+1, s.noAt); k < len(t) && k-j < 128; k++ {
		c := t[k]
		s.noAt = k // up to here there is no "@": no byte is looked at twice for one
		if c == '@' && k > j+1 {
			if !serverAt(t, k+1) || placeholder(t[j+1:k]) || digitsOnly(t[i:j]) {
				return 0
			}
			s.pair(i, j, k)
			return k + 1
		}
		if c <= ' ' || isQuote(c) || strings.IndexByte("/,;()[]{}<>|\\", c) >= 0 {
			if s.noAt = k; curl && k > j+1 {
				s.pair(i, j, k)
				return k
			}
			return 0
		}
	}
	if curl && j+1 < len(t) {
		end := bareEnd(t, j+1, equals)
		s.pair(i, j, end)
		return end
	}
	return 0
}

// serverAt tells whether a server can stand at i: no line of a source file (Foo@17), address of an object (Foo@1b2c3d4e) or
// digest (@sha256:…).
func serverAt(t string, i int) bool {
	k, hex, letters := i, true, false
	for k < len(t) && k-i < 64 && (alphanumeric(t[k]) || t[k] == '.' || t[k] == '-' || t[k] == '_') {
		hex = hex && isHex(t[k])
		letters = letters || isLetter(t[k]) || t[k] == '.'
		k++
	}
	return k > i && letters && (!hex || k-i < 6) && !strings.HasPrefix(t[i:], "sha256") || i < len(t) && t[i] == '['
}

// pair marks user [i, j) and the password after the colon up to k.
func (s *scanner) pair(i, j, k int) {
	if personal(s.text[i:j]) {
		s.pseudonym(i, j, KindUser)
	}
	if !placeholder(s.text[j+1 : k]) {
		s.secret(j+1, k, "password")
	}
}

func digitsOnly(t string) bool { return strings.Trim(t, "0123456789") == "" }
