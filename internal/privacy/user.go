package privacy

import "strings"

// accounts belong to nobody: programs run under them on every machine.
var accounts = set("root nobody daemon bin sys sync games man lp mail news uucp proxy backup list irc gnats www-data systemd-network " +
	"systemd-resolve messagebus sshd postgres mysql redis nginx apache httpd rabbitmq mongodb nats temporal clickhouse kafka zookeeper " +
	"hadoop hdfs spark elasticsearch prometheus grafana git docker system anonymous default unknown guest admin administrator " +
	"service-account serviceaccount kube kubelet kube-proxy kube-scheduler kube-controller-manager kubernetes-admin nonroot jenkins " +
	"cyrus ftp operator oauth2 x-access-token token sa node app web api worker test user midwatch")

// notUsers follow "user" in English.
var notUsers = set("is was not has had have with from the a an and in on to of or id ids uid name agent data session sessions account accounts " +
	"request requests service services found login logged error input output group groups unknown authentication authenticated " +
	"authorization does did can cannot could may must should will would by at for as if that this which who whose no none null nil " +
	"true false undefined level mode space defined interface interaction profile profiles preferences settings info information " +
	"details table tables role roles role: email password passwords credentials token tokens key keys count limit limits quota " +
	"created deleted updated removed added already exists invalid valid missing required disabled enabled locked denied rejected " +
	"events event query queries list cache store manager controller repository handler validation registration model object type " +
	"experience time defined-by lookup ok failed failure success successfully joined left disconnected connected specific provided " +
	"supplied value values string err input: cpu experience namespace namespaces program programs code land")

// personal tells whether a name can be a person's.
func personal(name string) bool {
	if len(name) < 2 || len(name) > 64 || digitsOnly(name) || placeholder(name) {
		return false
	}
	if ipv4End(name, 0) == len(name) {
		return false
	}
	n := strings.ToLower(name)
	return !accounts[n] && !notUsers[n] && !strings.HasPrefix(n, "system")
}

// program tells whether a name before an "@" is an actor of Akka or an object rather than a person: three words in one.
func program(name string) bool {
	humps := 1
	for i := 1; i < len(name); i++ {
		if isUpper(name[i]) && isLower(name[i-1]) {
			humps++
		}
	}
	return humps >= 3
}

func userChar(c byte) bool {
	return alphanumeric(c) || c == '.' || c == '_' || c == '-' || c == '+' || c >= 0x80
}

// userEnd returns the index after the user name at i, without the full stop of a sentence.
func userEnd(t string, i int) int {
	k := i
	for k < len(t) && k-i < 65 && userChar(t[k]) {
		k++
	}
	return i + len(strings.TrimRight(t[i:k], ".-+_"))
}

// userValue marks the value of "user=" and returns where to go on, or 0.
func (s *scanner) userValue(v int, how join) int {
	from, to, quoted := valueAt(s.text, v, how)
	if quoted && s.text[v] == '[' || how == spaced {
		return 0
	}
	if quoted {
		return s.userWords(from, to)
	}
	end := userEnd(s.text, from)
	if end < len(s.text) && strings.IndexByte("@=/:(", s.text[end]) >= 0 || declared(s.text, v) {
		return 0 // an e-mail address, another name, a path, credentials, a program
	}
	if end+1 < len(s.text) && s.text[end] == '\\' { // DOMAIN\user
		k := end
		for k < len(s.text) && s.text[k] == '\\' {
			k++
		}
		if stop := userEnd(s.text, k); stop > k && strings.IndexByte("nrt", s.text[k]) < 0 {
			from, end = k, stop
		}
	}
	if !personal(s.text[from:end]) {
		return 0
	}
	s.pseudonym(from, end, KindUser)
	return end
}

// userWords marks a quoted user name, each word for itself. What has more than three words is a sentence.
func (s *scanner) userWords(from, to int) int {
	if to-from > 100 || strings.IndexByte(s.text[from:to], '@') >= 0 || strings.Count(s.text[from:to], " ") > 2 {
		return 0
	}
	for i := from; i < to; {
		end := userEnd(s.text[:to], i)
		if end == i {
			i++
			continue
		}
		if personal(s.text[i:end]) {
			s.pseudonym(i, end, KindUser)
		}
		i = end
	}
	return to
}

// person looks for names of users in the phrases of system logs and in paths, and returns where to go on, or 0.
func (s *scanner) person(i, j int) int {
	word := s.text[i:j]
	if len(s.prev) <= len("user") && s.spacedFromPrev(i) { // the longest of the words below
		switch strings.ToLower(s.prev) {
		case "for", "of":
			if s.prev == "for" && methods[strings.ToLower(s.prev2)] {
				return s.named2(i, j)
			}
		case "user":
			if before := strings.ToLower(s.prev2); introduces[before] || s.prev == "User" && before == "" || follows(s.text, i) {
				return s.named2(i, j)
			}
		case "sudo":
			if strings.HasPrefix(strings.TrimLeft(s.text[j:min(len(s.text), j+16)], " "), ": TTY=") {
				return s.named2(i, j)
			}
		case "su", "root":
			if strings.HasPrefix(s.text[j:], " on pts/") || strings.HasPrefix(s.text[j:], " on tty") {
				return s.named2(i, j)
			}
		case "role":
			if s.text[i-1] == '"' {
				return s.named2(i, j)
			}
		}
	}
	if s.accessLog(i, j) {
		return s.named2(i, j)
	}
	if word == "user" && j+1 < len(s.text) && s.text[j] == '/' && strings.HasSuffix(s.before(i, 40), ":") && strings.Contains(s.before(i, 40), "arn:aws") {
		if end := s.named2(j+1, j+1); end > 0 {
			return end
		}
	}
	if i > 0 && s.text[i-1] == '/' && (word == "home" || word == "Users") && j+1 < len(s.text) && s.text[j] == '/' {
		return s.home(i, j+1)
	}
	return 0
}

// accessLog tells whether an atom is the user of a line in the common log format: address - user [22/Nov/2026:…
func (s *scanner) accessLog(i, j int) bool {
	t := s.text
	return i > 3 && j+5 < len(t) && t[i-2:i] == "- " && t[j] == ' ' && t[j+1] == '[' && isDigit(t[j+2]) && isDigit(t[j+3]) && t[j+4] == '/'
}

// spacedFromPrev tells whether only blanks, quotes, colons and brackets part an atom from the word before.
func (s *scanner) spacedFromPrev(i int) bool {
	if s.prevEnd >= i || i-s.prevEnd > 8 {
		return false
	}
	for _, c := range []byte(s.text[s.prevEnd:i]) {
		if c != ' ' && c != ':' && c != ')' && c != '\\' && !isQuote(c) {
			return false
		}
	}
	return true
}

var (
	// methods of sshd, before "for"
	methods = set("password publickey none hostbased keyboard-interactive pam gssapi-with-mic keyboard")
	// before "user"
	introduces = set("alter create drop for invalid illegal authenticating unknown by as of from new disconnected database db")
)

// follows tells whether the word after the name at i is one that follows a user's name, or a quote closes it.
func follows(t string, i int) bool {
	if i > 0 && isQuote(t[i-1]) {
		return true
	}
	rest := t[min(len(t), userEnd(t, i)):]
	for _, after := range [...]string{" from ", " logged ", " by (uid=", " at ", " authenticated", " disconnected", " connected"} {
		if strings.HasPrefix(rest, after) {
			return true
		}
	}
	return false
}

// named2 marks the user's name that starts at i.
func (s *scanner) named2(i, j int) int {
	end := userEnd(s.text, i)
	if end <= i || end < len(s.text) && (s.text[end] == '@' || s.text[end] == '=') || !personal(s.text[i:end]) {
		return 0
	}
	s.pseudonym(i, end, KindUser)
	return max(end, j)
}

// home marks the name in /home/<name> and /Users/<name>, where word starts at i and the name at from. A route of a web
// site can begin like that too.
func (s *scanner) home(i, from int) int {
	end := userEnd(s.text, from)
	route := i > 1 && (alphanumeric(s.text[i-2]) || s.text[i-2] == '.') || httpMethods[s.prev]
	if end == from || route || !personal(s.text[from:end]) {
		return 0
	}
	s.pseudonym(from, end, KindUser)
	return end
}

var httpMethods = set("GET POST PUT HEAD DELETE PATCH OPTIONS")

// windowsHome marks the name in C:\Users\<name>, the backslashes escaped or not; i is the first backslash.
func (s *scanner) windowsHome(i int) int {
	k := i
	for k < len(s.text) && s.text[k] == '\\' {
		k++
	}
	rest, ok := strings.CutPrefix(s.text[k:], "Users")
	if !ok || rest == "" || rest[0] != '\\' {
		return 0
	}
	from := len(s.text) - len(strings.TrimLeft(rest, "\\"))
	end := userEnd(s.text, from)
	if end == from || !personal(s.text[from:end]) {
		return 0
	}
	s.pseudonym(from, end, KindUser)
	return end
}
